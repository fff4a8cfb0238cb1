/* SPDX-License-Identifier: Apache-2.0 */
/* gzip, zstd and xz: any bytes end in plain bytes or in an error, and never without progress. */
#include "fuzz.h"

#include "unpack/inflate.h"

#define OUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char out[4096];
	struct err e = ERR_INIT;
	struct inflate *in = inflate_new(data, size, &e);
	struct inflate_step step = {.in = data, .in_left = size};
	size_t total = 0;
	if (!in)
		return 0;
	for (;;) {
		size_t before = step.in_left;
		step.out = out;
		step.out_left = sizeof(out);
		step.is_last = step.in_left == 0;
		if (!inflate_step(in, &step, &e))
			break;
		total += sizeof(out) - step.out_left;
		if ((before == step.in_left && step.out_left == sizeof(out)) || total > OUT_MAX)
			break;
	}
	inflate_free(in);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "unpack/inflate.h"

#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* What a hostile archive may make us hold: the window of xz -9 and of zstd --ultra. */
#define MEMORY_MAX ((uint64_t)128 << 20)

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD, PACKING_XZ };

struct inflate {
	enum packing packing;
	bool is_between;  /* nothing of a member or frame has been read */
	bool is_finished; /* xz: its end was seen */
	ZSTD_DStream *zstd;
	lzma_stream xz;
	struct inflate_state gzip; /* large: a window of its own */
};

static enum packing packing_of(const unsigned char *head, size_t size)
{
	static const struct {
		const char *magic;
		size_t length;
		enum packing packing;
	} table[] = {{"\x1f\x8b", 2, PACKING_GZIP}, {"\x28\xb5\x2f\xfd", 4, PACKING_ZSTD},
		{"\xfd"
		 "7zXZ",
			6, PACKING_XZ}};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (size >= table[i].length && !memcmp(head, table[i].magic, table[i].length))
			return table[i].packing;
	/* zstd's skippable frames may come first. */
	if (size >= 4 && (head[0] & 0xf0) == 0x50 && !memcmp(head + 1, "\x2a\x4d\x18", 3))
		return PACKING_ZSTD;
	return PACKING_NONE;
}

struct inflate *inflate_new(const unsigned char *head, size_t size, struct err *e)
{
	struct inflate *in = calloc(1, sizeof(*in));
	bool ok = in;
	if (in) {
		in->packing = packing_of(head, size);
		in->is_between = true;
	}
	if (ok && in->packing == PACKING_GZIP) {
		isal_inflate_init(&in->gzip);
		in->gzip.crc_flag = ISAL_GZIP;
	} else if (ok && in->packing == PACKING_ZSTD) {
		in->zstd = ZSTD_createDStream();
		ok = in->zstd && !ZSTD_isError(ZSTD_initDStream(in->zstd));
	} else if (ok && in->packing == PACKING_XZ) {
		ok = lzma_stream_decoder(&in->xz, MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK;
	}
	if (ok)
		return in;
	err_msg(e, ERR_INTERNAL, "no memory to inflate");
	inflate_free(in);
	return NULL;
}

void inflate_free(struct inflate *in)
{
	if (!in)
		return;
	ZSTD_freeDStream(in->zstd);
	lzma_end(&in->xz);
	free(in);
}

static bool step_none(struct inflate_step *step)
{
	size_t n = step->in_left < step->out_left ? step->in_left : step->out_left;
	memcpy(step->out, step->in, n);
	step->in += n;
	step->in_left -= n;
	step->out += n;
	step->out_left -= n;
	return true;
}

/* Between members: another one, or the zeros with which some writers fill a block. */
static bool begin_member(struct inflate *in, struct inflate_step *step, struct err *e)
{
	while (step->in_left > 0 && *step->in == 0 && in->gzip.block_state == ISAL_BLOCK_FINISH) {
		step->in++;
		step->in_left--;
	}
	if (step->in_left == 0)
		return true;
	if (*step->in != 0x1f)
		return err_msg(e, ERR_INPUT, "there is something that is not gzip behind its end");
	isal_inflate_reset(&in->gzip);
	in->gzip.crc_flag = ISAL_GZIP;
	in->is_between = false;
	return true;
}

static bool step_gzip(struct inflate *in, struct inflate_step *step, struct err *e)
{
	if (in->is_between && !begin_member(in, step, e))
		return false;
	if (in->is_between)
		return true;
	in->gzip.next_in = (uint8_t *)step->in;
	in->gzip.avail_in = (uint32_t)step->in_left;
	in->gzip.next_out = step->out;
	in->gzip.avail_out = (uint32_t)step->out_left;
	int result = isal_inflate(&in->gzip);
	/* After an error its counters may be anything [libisal 2.30]. */
	if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT)
		return err_msg(e, ERR_INPUT, "its gzip data is corrupt (%d)", result);
	step->in += step->in_left - in->gzip.avail_in;
	step->in_left = in->gzip.avail_in;
	step->out += step->out_left - in->gzip.avail_out;
	step->out_left = in->gzip.avail_out;
	in->is_between = in->gzip.block_state == ISAL_BLOCK_FINISH;
	return true;
}

static bool step_zstd(struct inflate *in, struct inflate_step *step, struct err *e)
{
	ZSTD_inBuffer from = {step->in, step->in_left, 0};
	ZSTD_outBuffer to = {step->out, step->out_left, 0};
	size_t result = ZSTD_decompressStream(in->zstd, &to, &from);
	if (ZSTD_isError(result))
		return err_msg(
			e, ERR_INPUT, "its zstd data is corrupt: %s", ZSTD_getErrorName(result));
	/* 0: a frame is complete and all of it is out. Without input it asks for the next one. */
	if (from.pos > 0 || to.pos > 0)
		in->is_between = result == 0;
	step->in += from.pos;
	step->in_left -= from.pos;
	step->out += to.pos;
	step->out_left -= to.pos;
	return true;
}

static bool step_xz(struct inflate *in, struct inflate_step *step, struct err *e)
{
	in->xz.next_in = step->in;
	in->xz.avail_in = step->in_left;
	in->xz.next_out = step->out;
	in->xz.avail_out = step->out_left;
	lzma_ret result = lzma_code(&in->xz, step->is_last ? LZMA_FINISH : LZMA_RUN);
	in->is_between = result == LZMA_STREAM_END;
	if (result != LZMA_OK && result != LZMA_STREAM_END && result != LZMA_BUF_ERROR)
		return err_msg(e, ERR_INPUT, "its xz data is corrupt (%d)", (int)result);
	step->in = in->xz.next_in;
	step->in_left = in->xz.avail_in;
	step->out = in->xz.next_out;
	step->out_left = in->xz.avail_out;
	return true;
}

bool inflate_step(struct inflate *in, struct inflate_step *step, struct err *e)
{
	switch (in->packing) {
	case PACKING_GZIP:
		return step_gzip(in, step, e);
	case PACKING_ZSTD:
		return step_zstd(in, step, e);
	case PACKING_XZ:
		return step_xz(in, step, e);
	case PACKING_NONE:
		break;
	}
	return step_none(step);
}

bool inflate_is_complete(const struct inflate *in)
{
	return in->packing == PACKING_NONE || in->is_between;
}

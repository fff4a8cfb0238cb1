/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "wire/msg.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_record_brings_its_descriptor(void **state)
{
	int pair[2], fds[MSG_FDS_MAX], sent = open("/dev/null", O_RDONLY);
	size_t n = 0;
	struct msg m = {.kind = MSG_NOTE, .value = 7}, got;
	(void)state;
	assert_true(msg_pair(pair, &error));
	strcpy(m.err.what, "hello");
	assert_true(msg_send(pair[0], &m, &sent, 1, &error));
	assert_int_equal(msg_receive(pair[1], &got, fds, &n, &error), MSG_GOT_RECORD);
	assert_int_equal(n, 1);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	assert_string_equal(got.err.what, "hello");
	assert_int_equal(got.value, 7);
	close(fds[0]);
	close(sent);
	close(pair[0]);
	assert_int_equal(msg_receive(pair[1], &got, fds, &n, &error), MSG_GOT_EOF);
	close(pair[1]);
}

static void another_version_is_refused(void **state)
{
	int pair[2];
	char junk[16] = "not a record";
	struct msg got;
	(void)state;
	assert_true(msg_pair(pair, &error));
	assert_int_equal(send(pair[0], junk, sizeof(junk), 0), sizeof(junk));
	assert_int_equal(msg_receive(pair[1], &got, NULL, NULL, &error), MSG_GOT_ERROR);
	assert_non_null(strstr(error.cause, "version"));
	close(pair[0]);
	close(pair[1]);
}

static void a_dead_peer_is_an_error_and_no_signal(void **state)
{
	int pair[2];
	struct msg m = {.kind = MSG_GO};
	(void)state;
	assert_true(msg_pair(pair, &error));
	close(pair[1]);
	assert_false(msg_send(pair[0], &m, NULL, 0, &error));
	assert_int_equal(error.sys, EPIPE);
	close(pair[0]);
}

/* Without care the reset comes first and the words are lost: seen as a start without a reason. */
static void last_words_survive_an_unread_record(void **state)
{
	int pair[2];
	struct msg m = {.kind = MSG_GO}, got;
	(void)state;
	assert_true(msg_pair(pair, &error));
	assert_true(msg_send(pair[0], &m, NULL, 0, &error));
	m.kind = MSG_FAIL;
	assert_true(msg_send(pair[1], &m, NULL, 0, &error));
	close(pair[1]);
	assert_int_equal(msg_receive(pair[0], &got, NULL, NULL, &error), MSG_GOT_RECORD);
	assert_int_equal(got.kind, MSG_FAIL);
	assert_int_equal(msg_receive(pair[0], &got, NULL, NULL, &error), MSG_GOT_EOF);
	close(pair[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(a_record_brings_its_descriptor),
		TEST(another_version_is_refused), TEST(last_words_survive_an_unread_record),
		TEST(a_dead_peer_is_an_error_and_no_signal)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

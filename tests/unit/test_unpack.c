/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer's bytes go through in guscio-unpack, and what the helpers give up. */
#include "unit.h"

#include "base/own.h"
#include "confine/confine.h"
#include "unpack/owner_note.h"
#include "unpack/stream.h"

#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <zstd.h>

#define PLAIN_SIZE 700000

static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("packed", MFD_CLOEXEC);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static char *plain_data(void)
{
	char *plain = malloc(PLAIN_SIZE);
	for (size_t i = 0; i < PLAIN_SIZE; i++)
		plain[i] = (char)(i * i / 100);
	return plain;
}

/* Reads a stream to its end; its bytes must be @plain. False: an error came. */
static bool read_all(int fd, int64_t size, const char *plain, struct stream_result *result)
{
	const struct stream_source source = {
		.fd = fd, .more_fd = -1, .size = size, .size_max = 1 << 20, .ratio_max = 1000};
	const void *block = NULL;
	size_t done = 0;
	ssize_t n;
	error = (struct err)ERR_INIT;
	struct stream *s = stream_start(&source, &error);
	assert_non_null(s);
	while ((n = stream_next(s, &block, &error)) > 0) {
		assert_true(done + (size_t)n <= PLAIN_SIZE);
		assert_memory_equal(block, plain + done, (size_t)n);
		done += (size_t)n;
	}
	bool ok = n == 0 && done == PLAIN_SIZE && stream_drain(s, result, &error);
	stream_free(s);
	close(fd);
	return ok;
}

static void every_packing_gives_the_same_bytes(void **state)
{
	CLEAN(clean_free) char *plain = plain_data();
	CLEAN(clean_free) unsigned char *packed = malloc(2 * PLAIN_SIZE);
	struct stream_result result;
	char sum[65];
	(void)state;
	assert_true(read_all(file_of(plain, PLAIN_SIZE), -1, plain, &result));
	strcpy(sum, result.plain);
	assert_string_equal(result.plain, result.packed);

	size_t n = ZSTD_compress(packed, 2 * PLAIN_SIZE, plain, PLAIN_SIZE, 1);
	assert_true(read_all(file_of(packed, n), (int64_t)n, plain, &result));
	assert_string_equal(result.plain, sum);
	assert_string_not_equal(result.packed, sum);
	/* Cut, and with something behind it. */
	assert_false(read_all(file_of(packed, n - 1), -1, plain, &result));
	assert_false(read_all(file_of(packed, n), (int64_t)n + 1, plain, &result));
	/* Two frames are one stream. */
	size_t half = ZSTD_compress(packed, 2 * PLAIN_SIZE, plain, PLAIN_SIZE / 2, 1);
	half += ZSTD_compress(packed + half, PLAIN_SIZE, plain + PLAIN_SIZE / 2, PLAIN_SIZE / 2, 1);
	assert_true(read_all(file_of(packed, half), -1, plain, &result));
	assert_string_equal(result.plain, sum);

	size_t out = 0;
	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, (uint8_t *)plain,
				 PLAIN_SIZE, packed, &out, 2 * PLAIN_SIZE),
		LZMA_OK);
	assert_true(read_all(file_of(packed, out), -1, plain, &result));
	assert_string_equal(result.plain, sum);
	assert_false(read_all(file_of(packed, out / 2), -1, plain, &result));
}

static void a_file_that_grows_is_waited_for(void **state)
{
	CLEAN(clean_free) char *plain = plain_data();
	char path[] = "/tmp/guscio-unit.XXXXXX";
	int write_fd = mkstemp(path), more_fd = eventfd(0, EFD_CLOEXEC);
	int read_fd = open(path, O_RDONLY | O_CLOEXEC);
	(void)state;
	unlink(path);
	pid_t writer = fork();
	if (writer == 0) {
		static const uint64_t one = 1;
		for (size_t at = 0; at < PLAIN_SIZE; at += 70000) {
			usleep(5000);
			if (write(write_fd, plain + at, 70000) != 70000 ||
				write(more_fd, &one, sizeof(one)) != sizeof(one))
				_exit(1);
		}
		_exit(0);
	}
	const struct stream_source source = {.fd = read_fd,
		.more_fd = more_fd,
		.size = PLAIN_SIZE,
		.size_max = 1 << 20,
		.ratio_max = 9};
	struct stream *s = stream_start(&source, &error);
	struct stream_result result;
	assert_true(stream_drain(s, &result, &error));
	assert_int_equal(result.plain_size, PLAIN_SIZE);
	stream_free(s);
	waitpid(writer, NULL, 0);
	close(read_fd);
	close(write_fd);
	close(more_fd);
}

static void notes_of_owners_come_back(void **state)
{
	struct owner_note note = {.uid = 7, .gid = 4294967294u, .mode = S_IFREG | 04755}, back;
	char text[OWNER_NOTE_SIZE];
	(void)state;
	owner_note_format(&note, text);
	assert_string_equal(text, "7:4294967294:4755:file");
	assert_true(owner_note_parse(text, &back));
	assert_int_equal(back.mode, note.mode);
	note = (struct owner_note){.mode = S_IFBLK | 0600, .major = 8, .minor = 17};
	owner_note_format(&note, text);
	assert_string_equal(text, "0:0:0600:block-8-17");
	assert_true(owner_note_parse(text, &back));
	assert_int_equal(back.minor, 17);
	static const char *const bad[] = {"", "1:2", "-1:0:0644:file", "1:-2:0644:file",
		"1:2:99999:file", "1:2:0644:shoe", "1:2:0644:char-1",
		"1:2:0644:", "1:+2:0644:file"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(owner_note_parse(bad[i], &back));
}

/* Each in a process of its own: there is no way back. */
static int in_child(bool (*confined)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(confined() ? 0 : 1);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool fails_with(long result, int error_number)
{
	return result < 0 && errno == error_number;
}

static bool unpack_cannot(void)
{
	struct err e;
	bool applied;
	int dest_fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *const argv[] = {(char *)"/bin/true", NULL};
	if (!confine_process(&e) || !confine_files(NULL, dest_fd, &applied, &e) ||
		!confine_calls_allow(confine_unpack_calls, &e))
		return false;
	return fails_with(socket(AF_INET, SOCK_STREAM, 0), EPERM) &&
	       fails_with(socket(AF_UNIX, SOCK_STREAM, 0), EPERM) &&
	       fails_with(execv("/bin/true", argv), EPERM) && fails_with(chroot("."), EPERM) &&
	       fails_with(kill(getppid(), 0), EPERM) &&
	       (!applied || fails_with(open("/etc/passwd", O_RDONLY), EACCES)) &&
	       open("/tmp", O_RDONLY | O_DIRECTORY) >= 0;
}

static bool fetch_cannot(void)
{
	static const char *const readable[] = {"/etc", "/usr", NULL};
	struct err e;
	bool applied;
	char *const argv[] = {(char *)"/bin/true", NULL};
	if (!confine_process(&e) || !confine_files(readable, -1, &applied, &e) ||
		!confine_calls_deny(confine_fetch_denied_calls, &e))
		return false;
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 && open("/etc/passwd", O_RDONLY) >= 0 &&
	       fails_with(execv("/bin/true", argv), EPERM) &&
	       fails_with(kill(getppid(), 0), EPERM) &&
	       (!applied || (fails_with(open("/tmp", O_RDONLY | O_DIRECTORY), EACCES) &&
				    fails_with(open("/tmp/x", O_WRONLY | O_CREAT, 0600), EACCES) &&
				    fails_with(open("/etc/x", O_WRONLY | O_CREAT, 0600), EACCES)));
}

static void helpers_cannot_do_what_they_need_not(void **state)
{
	(void)state;
	assert_int_equal(in_child(unpack_cannot), 0);
	assert_int_equal(in_child(fetch_cannot), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(every_packing_gives_the_same_bytes),
		TEST(a_file_that_grows_is_waited_for), TEST(notes_of_owners_come_back),
		TEST(helpers_cannot_do_what_they_need_not)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

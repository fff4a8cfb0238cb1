/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "state/foreground.h"
#include "state/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char directory[64];

static int directory_setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/guscio-unit.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int directory_teardown(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static struct state_record own_record(void)
{
	struct state_record record = {.id = ID, .name = "one", .pid = getpid()};
	assert_true(state_start_time(getpid(), &record.start_time));
	return record;
}

static void a_container_is_found_by_name_and_prefix(void **state)
{
	struct state_record record = own_record(), found;
	int lock_fd;
	(void)state;
	assert_true(state_claim(directory, ID, "one", &lock_fd, &error));
	assert_false(state_find(directory, "one", &found, &error));
	assert_true(state_write(directory, &record, NULL, &error));
	assert_true(state_find(directory, "one", &found, &error));
	assert_int_equal(found.pid, getpid());
	assert_true(state_find(directory, "0123", &found, &error));
	assert_false(state_find(directory, "two", &found, &error));
	assert_false(state_find(directory, "../one", &found, &error));
	state_release(directory, ID, "one", -1);
	assert_false(state_find(directory, "one", &found, &error));
	close(lock_fd);
}

static void a_name_is_taken_once_and_free_after_a_kill(void **state)
{
	int lock_fd, other_fd;
	char other[] = ID;
	other[0] = 'f';
	(void)state;
	assert_true(state_claim(directory, ID, "one", &lock_fd, &error));
	assert_false(state_claim(directory, other, "one", &other_fd, &error));
	assert_non_null(strstr(error.what, "in use"));
	close(lock_fd); /* as the kernel does for a starter that was killed */
	assert_true(state_claim(directory, other, "one", &other_fd, &error));
	close(other_fd);
}

static void a_stale_record_is_not_believed(void **state)
{
	struct state_record record = own_record(), found;
	int lock_fd;
	(void)state;
	assert_true(state_claim(directory, ID, "one", &lock_fd, &error));
	record.start_time++;
	assert_true(state_write(directory, &record, NULL, &error));
	assert_false(state_find(directory, "one", &found, &error));
	close(lock_fd);
}

static void somebody_elses_directory_is_refused(void **state)
{
	int lock_fd;
	(void)state;
	chmod(directory, 0777);
	assert_false(state_claim(directory, ID, NULL, &lock_fd, &error));
	assert_non_null(strstr(error.cause, "not yours alone"));
}

static void what_is_in_the_foreground_is_found_and_renamed(void **state)
{
	struct state_record record = own_record();
	struct container shown, found;
	struct arena memory;
	int lock_fd;
	(void)state;
	assert_true(arena_init(&memory, &error));
	container_init(&shown);
	shown.command = "sleep 1";
	shown.stop_signal = 3;
	char *more = foreground_text(&shown, "{\n}\n");
	assert_non_null(more);
	assert_true(state_claim(directory, ID, "one", &lock_fd, &error));
	assert_true(state_write(directory, &record, NULL, &error));
	/* One that stays has nothing behind its record. */
	assert_false(foreground_find(directory, "one", &memory, &found, &error));
	assert_true(state_write(directory, &record, more, &error));
	assert_true(foreground_find(directory, "one", &memory, &found, &error));
	assert_true(found.is_foreground);
	assert_string_equal(found.command, "sleep 1");
	assert_int_equal(found.stop_signal, 3);
	assert_int_equal(found.monitor.pid, getppid());
	assert_string_equal(foreground_document(directory, ID, &memory, &error), "{\n}\n");
	assert_true(state_rename_foreground(directory, ID, "one", "two", &error));
	assert_false(foreground_find(directory, "one", &memory, &found, &error));
	assert_true(foreground_find(directory, "two", &memory, &found, &error));
	assert_string_equal(found.name, "two");
	/* The starter knows its own name only, and takes both away. */
	state_release(directory, ID, "one", 0);
	assert_false(foreground_find(directory, "two", &memory, &found, &error));
	assert_true(state_claim(directory, ID, "two", &lock_fd, &error));
	close(lock_fd);
	free(more);
	arena_done(&memory);
}

static void who_waits_is_told_the_exit_code(void **state)
{
	char path[256], text[16] = "";
	int lock_fd, fd;
	(void)state;
	assert_true(state_claim(directory, ID, NULL, &lock_fd, &error));
	assert_true(state_wait_open(directory, ID, path, sizeof(path), &fd, &error));
	assert_int_equal(read(fd, text, sizeof(text)), 0);
	state_release(directory, ID, NULL, 42);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 3);
	assert_string_equal(text, "42\n");
	close(fd);
	assert_false(state_wait_open(directory, ID, path, sizeof(path), &fd, &error));
	close(lock_fd);
}

static void one_with_nothing_but_a_record_is_released_by_its_lock(void **state)
{
	struct state_record record = own_record(), found;
	char path[256];
	int lock_fd, fd;
	(void)state;
	assert_true(state_claim(directory, ID, NULL, &lock_fd, &error));
	assert_true(state_write(directory, &record, NULL, &error));
	assert_true(state_find(directory, ID, &found, &error));
	assert_true(state_release_plain(lock_fd, ID));
	assert_false(state_find(directory, ID, &found, &error));
	snprintf(path, sizeof(path), "%s/" ID, directory);
	assert_int_equal(access(path, F_OK), -1);
	close(lock_fd);
	/* With files of its own, too. */
	assert_true(state_claim(directory, ID, NULL, &lock_fd, &error));
	for (size_t i = 0; i < 2; i++)
		close(openat(lock_fd, i ? "hosts" : "resolv.conf", O_CREAT | O_WRONLY, 0600));
	assert_true(state_release_plain(lock_fd, ID));
	snprintf(path, sizeof(path), "%s/" ID, directory);
	assert_int_equal(access(path, F_OK), -1);
	close(lock_fd);
	/* Who waits for it is still to be told. */
	assert_true(state_claim(directory, ID, NULL, &lock_fd, &error));
	assert_true(state_wait_open(directory, ID, path, sizeof(path), &fd, &error));
	assert_false(state_release_plain(lock_fd, ID));
	state_release(directory, ID, NULL, 7);
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
	close(lock_fd);
}

static void a_directory_whose_lock_is_free_is_adopted(void **state)
{
	struct state_record record = own_record(), found;
	int lock_fd, other_fd;
	(void)state;
	/* Also one that somebody has swept away. */
	assert_true(state_adopt(directory, &record, &lock_fd, &error));
	assert_true(state_find(directory, "one", &found, &error));
	assert_false(state_adopt(directory, &record, &other_fd, &error));
	close(lock_fd);
	assert_true(state_adopt(directory, &record, &other_fd, &error));
	close(other_fd);
	state_release(directory, ID, "one", -1);
}

#define STATE_TEST(name) cmocka_unit_test_setup_teardown(name, directory_setup, directory_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {STATE_TEST(a_container_is_found_by_name_and_prefix),
		STATE_TEST(a_name_is_taken_once_and_free_after_a_kill),
		STATE_TEST(a_stale_record_is_not_believed),
		STATE_TEST(what_is_in_the_foreground_is_found_and_renamed),
		STATE_TEST(who_waits_is_told_the_exit_code),
		STATE_TEST(one_with_nothing_but_a_record_is_released_by_its_lock),
		STATE_TEST(a_directory_whose_lock_is_free_is_adopted),
		STATE_TEST(somebody_elses_directory_is_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

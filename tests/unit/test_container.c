/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "state/container.h"
#include "state/container_text.h"
#include "state/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char directory[64];
static struct arena arena;
static int all_fd;

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/guscio-unit.XXXXXX");
	return mkdtemp(directory) && arena_init(&arena, &error) &&
			       containers_open(directory, true, &all_fd, &error)
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	char command[128];
	(void)state;
	close(all_fd);
	arena_done(&arena);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static struct container make(const char *id, const char *name, int *ret_fd)
{
	struct container c;
	container_init(&c);
	c.id = id;
	c.name = name;
	assert_true(container_begin(all_fd, id, name, ret_fd, &error));
	assert_true(container_write(*ret_fd, &c, true, &error));
	return c;
}

static void a_record_comes_back_as_it_was(void **state)
{
	struct container c, back;
	(void)state;
	container_init(&c);
	c.name = "one";
	c.command = "sh -c 'a\nb % c\x01'";
	c.phase = CONTAINER_RESTARTING;
	c.exit_code = 137;
	c.created_ns = 1234567890123456789;
	c.restart = "on-failure:3";
	c.was_stopped = true;
	strv_add(&arena, &c.labels, "a=b\nphase exited");
	strv_add(&arena, &c.labels, "c=");
	char *text = container_to_text(&c);
	container_init(&back);
	assert_true(container_from_text(text, &arena, &back, &error));
	assert_string_equal(back.command, c.command);
	assert_int_equal(back.phase, CONTAINER_RESTARTING);
	assert_int_equal(back.exit_code, 137);
	assert_int_equal(back.created_ns, c.created_ns);
	assert_string_equal(back.restart, c.restart);
	assert_true(back.was_stopped);
	assert_int_equal(back.labels.n, 2);
	assert_string_equal(back.labels.v[0], "a=b\nphase exited");
	free(text);
}

static void what_is_no_record_is_refused(void **state)
{
	static const char *const texts[] = {"", "guscio-container", "guscio-container x\n",
		"guscio-container 0\n", "guscio-container 2\nname a\n",
		"guscio-container 1\nphase sleeping\n", "guscio-container 1\nexit-code x\n",
		"guscio-container 1\nname a/b\n", "guscio-container 1\nstop-signal 0\n"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct container c;
		container_init(&c);
		assert_false(
			container_from_text(arena_strdup(&arena, texts[i]), &arena, &c, &error));
	}
}

static void a_name_has_one_holder(void **state)
{
	const char *id;
	int fd, other_fd;
	(void)state;
	make(ID, "one", &fd);
	assert_false(container_begin(all_fd, OTHER, "one", &other_fd, &error));
	assert_non_null(strstr(error.what, "in use"));
	assert_true(container_find(all_fd, "one", &arena, &id, &error));
	assert_string_equal(id, ID);
	assert_true(container_find(all_fd, "0123", &arena, &id, &error));
	assert_false(container_find(all_fd, "../one", &arena, &id, &error));
	assert_false(container_find(all_fd, "two", &arena, &id, &error));
	close(fd);
}

static void the_name_of_one_that_never_came_to_be_is_free(void **state)
{
	int fd, other_fd;
	(void)state;
	assert_true(container_begin(all_fd, ID, "one", &fd, &error));
	assert_false(container_begin(all_fd, OTHER, "one", &other_fd, &error));
	close(fd); /* as the kernel does for a command that was killed */
	assert_true(container_begin(all_fd, OTHER, "one", &other_fd, &error));
	close(other_fd);
}

static void a_removed_one_is_out_of_sight_with_its_name(void **state)
{
	const char *id;
	char name[80];
	int fd, again_fd;
	struct container c;
	(void)state;
	c = make(ID, "one", &fd);
	assert_true(container_detach(all_fd, &c, name, &error));
	assert_false(container_find(all_fd, "one", &arena, &id, &error));
	assert_false(container_lock(all_fd, ID, &again_fd, &error));
	assert_true(container_begin(all_fd, OTHER, "one", &again_fd, &error));
	close(fd);
	close(again_fd);
}

static void what_is_gone_is_written_down(void **state)
{
	struct container c;
	char boot_id[64];
	int fd;
	(void)state;
	c = make(ID, "one", &fd);
	c.phase = CONTAINER_RUNNING;
	c.boot_id = boot_id_now(boot_id);
	c.first.pid = getpid();
	assert_true(state_start_time(getpid(), &c.first.start_time));
	assert_true(container_write(fd, &c, false, &error));
	assert_true(container_repair(all_fd, &c, &arena, &error));
	assert_int_equal(c.phase, CONTAINER_RUNNING);
	/* Another process has the number. */
	c.first.start_time++;
	assert_true(container_write(fd, &c, false, &error));
	assert_true(container_repair(all_fd, &c, &arena, &error));
	assert_int_equal(c.phase, CONTAINER_RUNNING); /* we have its lock: hands off */
	close(fd);
	assert_true(container_repair(all_fd, &c, &arena, &error));
	assert_int_equal(c.phase, CONTAINER_EXITED);
	assert_int_equal(c.exit_code, CONTAINER_EXIT_UNKNOWN);
	assert_true(container_read(all_fd, ID, &arena, &c, &error));
	assert_int_equal(c.phase, CONTAINER_EXITED);
}

#define CONTAINER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {CONTAINER_TEST(a_record_comes_back_as_it_was),
		CONTAINER_TEST(what_is_no_record_is_refused), CONTAINER_TEST(a_name_has_one_holder),
		CONTAINER_TEST(the_name_of_one_that_never_came_to_be_is_free),
		CONTAINER_TEST(a_removed_one_is_out_of_sight_with_its_name),
		CONTAINER_TEST(what_is_gone_is_written_down)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

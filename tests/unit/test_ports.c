/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "spec/document.h"
#include "spec/port_text.h"
#include "wire/port_msg.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static void texts_that_are_right(void **state)
{
	static const struct {
		const char *text, *again, *address;
		unsigned host, host_last, inside, count;
	} right[] = {{"80", "80/tcp", NULL, 0, 0, 80, 1},
		{"8080:80", "8080:80/tcp", NULL, 8080, 8080, 80, 1},
		{"0:80", "80/tcp", NULL, 0, 0, 80, 1},
		{"127.0.0.1:8080:80/tcp", "127.0.0.1:8080:80/tcp", "127.0.0.1", 8080, 8080, 80, 1},
		{"127.0.0.1::80", "127.0.0.1::80/tcp", "127.0.0.1", 0, 0, 80, 1},
		{"[::1]:53:53/udp", "[::1]:53:53/udp", "::1", 53, 53, 53, 1},
		{"[::]::53/udp", "[::]::53/udp", "::", 0, 0, 53, 1},
		{"8000-8009:80-89", "8000-8009:80-89/tcp", NULL, 8000, 8009, 80, 10},
		{"8000-8009:80", "8000-8009:80/tcp", NULL, 8000, 8009, 80, 1},
		{"1-65535", "1-65535/tcp", NULL, 0, 0, 1, 65535}};
	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct port_spec p;
		assert_true(port_from_text(right[i].text, &arena, &p, &error));
		assert_int_equal(p.host_port, right[i].host);
		assert_int_equal(p.host_last, right[i].host_last);
		assert_int_equal(p.container_port, right[i].inside);
		assert_int_equal(p.count, right[i].count);
		assert_int_equal(p.fd, -1);
		if (right[i].address)
			assert_string_equal(p.address, right[i].address);
		else
			assert_null(p.address);
		assert_string_equal(port_to_text(&p, &arena), right[i].again);
	}
}

static void texts_that_are_wrong(void **state)
{
	static const char *const wrong[] = {"", "x", "80:", ":80", "80:x", "0", "65536", "80:65536",
		"1:2:3:4", "::1:80:80", "[::1]", "[::1]:", "[::1:80:80", "[127.0.0.1]:80:80",
		"1.2.3.4.5:80:80", "localhost:80:80", "80/sctp", "80/", "10-5", "1-3:1-2",
		"80:80-90-95", "-80", "80-", "8 0", "+80", "80:80/TCP"};
	struct port_spec p = {.host_port = 7};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		error = (struct err)ERR_INIT;
		assert_false(port_from_text(wrong[i], &arena, &p, &error));
		assert_int_not_equal(error.what[0], 0);
		assert_int_equal(error.kind, ERR_USAGE);
	}
	assert_int_equal(p.host_port, 7);
}

static void descriptors(void **state)
{
	static const char *const wrong[] = {
		"80", "80=", "=3", "80=2", "80=x", "80-81=3", "x=3", "80=99999"};
	struct port_spec p;
	(void)state;
	assert_true(port_from_fd_text("53/udp=4", &p, &error));
	assert_int_equal(p.fd, 4);
	assert_int_equal(p.protocol, PORT_UDP);
	assert_string_equal(port_to_text(&p, &arena), "53/udp=4");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(port_from_fd_text(wrong[i], &p, &error));
}

static bool settles(const char *const *texts, enum ns_mode network, struct spec *spec)
{
	static struct notes notes;
	notes = (struct notes){0};
	error = (struct err)ERR_INIT;
	spec_init(spec, &arena);
	spec->namespaces[NS_NET].mode = network;
	for (; *texts; texts++)
		assert_true(spec_add_port(spec, *texts, &error));
	bool ok = ports_settle(spec, &notes, &error);
	/* An ignored port is never silent. */
	assert_true(!ok || spec->n_ports || notes.n || !*texts);
	return ok;
}

static void ports_beside_each_other(void **state)
{
	struct spec spec;
	(void)state;
	assert_true(settles(
		(const char *const[]){"80:80", "80:80/udp", "81:80", NULL}, NS_PRIVATE, &spec));
	assert_true(settles(
		(const char *const[]){"127.0.0.1:80:80", "127.0.0.2:80:80", "[::1]:80:80", NULL},
		NS_PRIVATE, &spec));
	assert_true(settles(
		(const char *const[]){"80", "80", "80-90:80", "85:85", NULL}, NS_PRIVATE, &spec));
	assert_false(settles((const char *const[]){"80:80", "80:81", NULL}, NS_PRIVATE, &spec));
	assert_false(
		settles((const char *const[]){"80-90:80-90", "90:1", NULL}, NS_PRIVATE, &spec));
	assert_false(settles((const char *const[]){"0.0.0.0:80:80", "127.0.0.1:80:80", NULL},
		NS_PRIVATE, &spec));
	assert_false(
		settles((const char *const[]){"[::]:80:80", "80:80", NULL}, NS_PRIVATE, &spec));
	assert_false(settles((const char *const[]){"1-5000:1-5000", NULL}, NS_PRIVATE, &spec));
	assert_true(settles((const char *const[]){"80:80", NULL}, NS_HOST, &spec));
	assert_int_equal(spec.n_ports, 0);
	assert_false(settles((const char *const[]){"80:80", NULL}, NS_JOIN_CONTAINER, &spec));
}

static void exposed_ports(void **state)
{
	struct spec spec;
	struct notes notes = {0};
	(void)state;
	spec_init(&spec, &arena);
	assert_true(spec_add_exposed(&spec, "80/tcp", &error));
	assert_true(spec_add_exposed(&spec, "80-82", &error));
	assert_true(spec_add_exposed(&spec, "53/udp", &error));
	assert_false(spec_add_exposed(&spec, "8080:80", &error));
	assert_true(spec_add_port(&spec, "8081:81", &error));
	spec.publish_all = true;
	assert_true(ports_settle(&spec, &notes, &error));
	/* 81 has its port already, and 80 was named twice. */
	assert_int_equal(spec.n_ports, 4);
	spec_init(&spec, &arena);
	assert_true(spec_add_exposed(&spec, "1-65535", &error));
	spec.publish_all = true;
	assert_false(ports_settle(&spec, &notes, &error));
}

static void documents_keep_ports(void **state)
{
	struct spec spec, again;
	struct notes notes = {0};
	(void)state;
	spec_init(&spec, &arena);
	assert_true(spec_add_port(&spec, "[::1]:8080:80", &error));
	assert_true(spec_add_port(&spec, "53:53/udp", &error));
	char *text = spec_to_json(&spec);
	assert_non_null(text);
	spec_init(&again, &arena);
	assert_true(spec_from_json(&again, text, strlen(text), "/", &notes, &error));
	free(text);
	assert_int_equal(again.n_ports, 2);
	assert_string_equal(again.ports[0].address, "::1");
	assert_int_equal(again.ports[1].protocol, PORT_UDP);
}

static void lines(void **state)
{
	static const char *const wrong[] = {"", "tcp", "tcp 80 80", "sctp 80 80 ::", "tcp 80 0 ::",
		"tcp 80 65536 ::", "tcp x 80 ::", "tcp 80 80 nowhere", "tcp 80 80 1.2.3"};
	struct port_line line = {.protocol = IPPROTO_UDP,
				 .host_port = 8080,
				 .container_port = 80,
				 .address = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"},
			 again;
	char text[PORT_LINE_SIZE];
	(void)state;
	port_line_write(&line, text);
	assert_true(port_line_read(text, &again));
	assert_memory_equal(&line, &again, sizeof(line));
	assert_true(port_line_read("tcp 0 80 -\ntcp 1 2 ::\n", &again));
	assert_string_equal(again.address, "-");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(port_line_read(wrong[i], &again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(texts_that_are_right), TEST(texts_that_are_wrong),
		TEST(descriptors), TEST(ports_beside_each_other), TEST(exposed_ports),
		TEST(documents_keep_ports), TEST(lines)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

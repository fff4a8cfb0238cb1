/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "spec/document.h"

#include <string.h>

static void addresses(void **state)
{
	static const char *const wrong[] = {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ",
		"fe80::1%eth0", ":::", "::g"};
	struct address a;
	char buf[ADDRESS_TEXT_SIZE];
	(void)state;
	assert_true(address_parse("10.0.2.15", &a));
	assert_string_equal(address_print(&a, buf), "10.0.2.15");
	assert_true(address_parse("FD00::0:1", &a));
	assert_string_equal(address_print(&a, buf), "fd00::1");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(address_parse(wrong[i], &a));
	assert_true(address_parse("127.9.9.9", &a) && address_is_loopback(&a));
	assert_true(address_parse("::1", &a) && address_is_loopback(&a));
	assert_true(address_parse("::", &a) && !address_is_loopback(&a));
}

static void networks(void **state)
{
	struct address_net net;
	struct address a;
	char buf[ADDRESS_TEXT_SIZE];
	(void)state;
	assert_false(address_parse_net("10.0.0.0", &net));
	assert_false(address_parse_net("10.0.0.0/33", &net));
	assert_false(address_parse_net("10.0.0.0/-1", &net));
	assert_true(address_parse_net("10.9.255.77/23", &net));
	assert_int_equal(address_room(&net), 512);
	a = address_nth(&net, 0);
	assert_string_equal(address_print(&a, buf), "10.9.254.0");
	/* The carry goes from byte to byte. */
	a = address_nth(&net, 258);
	assert_string_equal(address_print(&a, buf), "10.9.255.2");
	assert_true(address_in(&a, &net));
	assert_true(address_parse("10.10.0.1", &a) && !address_in(&a, &net));
	assert_true(address_parse("fd00::1", &a) && !address_in(&a, &net));
	assert_true(address_parse_net("fd00:1:2:3::/64", &net));
	a = address_nth(&net, 0x10203);
	assert_string_equal(address_print(&a, buf), "fd00:1:2:3::1:203");
	assert_true(address_in(&a, &net));
	assert_true(address_parse_net("0.0.0.0/0", &net) && address_parse("9.9.9.9", &a));
	assert_true(address_in(&a, &net));
}

static void device_addresses(void **state)
{
	uint8_t mac[6];
	(void)state;
	assert_true(address_parse_mac("02:42:AC:11:00:ff", mac));
	assert_memory_equal(mac, "\x02\x42\xac\x11\x00\xff", 6);
	assert_false(address_parse_mac("03:42:ac:11:00:02", mac));
	assert_false(address_parse_mac("02:42:ac:11:00:0", mac));
	assert_false(address_parse_mac("02-42-ac-11-00-02", mac));
	assert_false(address_parse_mac("02:42:ac:11:00:g2", mac));
}

static bool read_mode(struct spec *spec, const char *text)
{
	spec_init(spec, &arena);
	spec->id = "0123456789abcdef";
	error = (struct err)ERR_INIT;
	return spec_set_network(spec, text, &error) &&
	       spec_freeze(spec, &(struct notes){0}, &error);
}

static void modes_read_back(void **state)
{
	static const char *const texts[] = {"slirp", "none", "default", "backend",
		"slirp:mtu=1500,cidr=192.168.5.0/24,host-loopback=true",
		"slirp:mtu=70,ipv6=false,outbound=eth3",
		"slirp:cidr6=fd11::/64,outbound6=fd22::1,ip=10.0.2.9,ip6=fd11::9",
		"slirp:mac=02:00:00:00:00:01", "backend:ip=10.89.0.4,alias=db,alias=db.local"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct spec spec, again;
		assert_true(read_mode(&spec, texts[i]));
		assert_string_equal(spec_network_text(&spec), texts[i]);
		assert_true(read_mode(&again, spec_network_text(&spec)));
		assert_string_equal(spec_network_text(&again), texts[i]);
	}
}

static void names_of_others(void **state)
{
	struct spec spec;
	(void)state;
	assert_true(read_mode(&spec, "bridge"));
	assert_int_equal(spec.net.kind, NET_SLIRP);
	assert_true(read_mode(&spec, "pasta:mtu=1500"));
	assert_int_equal(spec.net.kind, NET_SLIRP);
	assert_true(read_mode(&spec, "slirp4netns:allow_host_loopback=true,enable_ipv6=false"));
	assert_true(spec.net.host_loopback && spec.net.no_ipv6);
	assert_true(read_mode(&spec, "host"));
	assert_int_equal(spec.namespaces[NS_NET].mode, NS_HOST);
	assert_true(read_mode(&spec, "container:other"));
	assert_int_equal(spec.namespaces[NS_NET].mode, NS_JOIN_CONTAINER);
}

static void wrong_words_are_named(void **state)
{
	static const struct {
		const char *text, *word;
	} wrong[] = {{"slirp:mtu=67", "mtu"}, {"slirp:mtu=65522", "mtu"}, {"slirp:mtu=x", "mtu"},
		{"slirp:mtu=576", "576"}, {"slirp:cidr=10.0.0.0", "cidr"},
		{"slirp:cidr=fd00::/64", "cidr"}, {"slirp:cidr=10.0.0.0/29", "10.0.0.0/29"},
		{"slirp:cidr6=fd00::/56", "/64"}, {"slirp:speed=9", "speed"},
		{"slirp:ip=10.0.2", "ip"}, {"slirp:ipv6=maybe", "ipv6"},
		{"slirp:ipv6=false,ip6=fd00::9", "ipv6=false"}, {"slirp:outbound=a b", "outbound"},
		{"none:mtu=1500", "none"}, {"back/end", "back/end"}, {"-x", "-x"},
		{"backend:mtu=1500", "mtu"}, {"slirp:alias=x", "alias"}, {"ns:rel", "ns:rel"}};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct spec spec;
		assert_false(read_mode(&spec, wrong[i].text));
		assert_int_equal(error.kind, ERR_USAGE);
		assert_non_null(strstr(error.what, wrong[i].word));
	}
}

static void resolvers(void **state)
{
	struct spec spec;
	(void)state;
	spec_init(&spec, &arena);
	assert_true(spec_add_dns(&spec, "9.9.9.9", &error));
	assert_false(spec_add_dns(&spec, "dns.example", &error));
	assert_true(spec_add_dns_search(&spec, "corp.example", &error));
	assert_false(spec_add_dns_search(&spec, "a\nnameserver 1.1.1.1", &error));
	assert_true(spec_add_dns_option(&spec, "ndots:5", &error));
	assert_false(spec_add_dns_option(&spec, "ndots:5\n", &error));
	assert_true(spec_add_dns(&spec, "none", &error));
	assert_false(spec_check_network(&spec, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(addresses), TEST(networks), TEST(device_addresses),
		TEST(modes_read_back), TEST(names_of_others), TEST(wrong_words_are_named),
		TEST(resolvers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h - the network that a container wants, when it has a namespace of its own for it
 *
 * With the host's network, or a joined one, only the names in its files count (dns, hosts).
 */
#ifndef SPEC_NETWORK_H
#define SPEC_NETWORK_H

#include "base/address.h"
#include "base/arena.h"

struct spec;

enum net_kind {
	NET_SLIRP, /* user-mode, through guscio-net: the default */
	NET_NONE,  /* loopback and nothing else */
	NET_NAMED, /* a network that several containers share */
};

#define NET_MTU_DEFAULT 65520
/* What the smallest host must take [RFC 791], and what libslirp's buffers hold. */
#define NET_MTU_MIN  68
#define NET_MTU6_MIN 1280 /* [RFC 8200] */
#define NET_MTU_MAX  65521

struct net_spec {
	enum net_kind kind;
	bool is_wanted;	  /* said by the user: what cannot be had is an error then, not a note */
	const char *name; /* NET_NAMED */
	uint32_t mtu;	  /* 0: the default */
	struct address_net net4; /* family 0: the default */
	struct address_net net6;
	bool no_ipv6;
	bool host_loopback;    /* the gateway's address leads to the host's loopback */
	const char *outbound4; /* address or interface; NULL: the host's routes decide */
	const char *outbound6;
	struct address ip4, ip6; /* family 0: chosen for it */
	bool has_mac;
	uint8_t mac[6];
	struct strv aliases; /* NET_NAMED: more names */
	struct strv dns;     /* addresses; none: the host's resolvers, by way of guscio-net */
	struct strv dns_search;
	struct strv dns_options;
};

/*
 * --network: slirp[:OPTION,...], none, host, container:NAME, ns:PATH or NAME[:OPTION,...]
 * Sets the network namespace's mode too. Names of docker and podman for the default
 * (bridge, private, slirp4netns, pasta) mean slirp; "default" means slirp where it can be had.
 */
bool spec_set_network(struct spec *spec, const char *text, struct err *e);
/* --dns ADDRESS, or none for an empty list; --dns-search, --dns-option */
bool spec_add_dns(struct spec *spec, const char *text, struct err *e);
bool spec_add_dns_search(struct spec *spec, const char *text, struct err *e);
bool spec_add_dns_option(struct spec *spec, const char *text, struct err *e);
/* --ip, --ip6, --mac-address, --network-alias */
bool spec_set_ip(struct spec *spec, const char *text, struct err *e);
bool spec_set_ip6(struct spec *spec, const char *text, struct err *e);
bool spec_set_mac(struct spec *spec, const char *text, struct err *e);
bool spec_add_network_alias(struct spec *spec, const char *text, struct err *e);

/* The same as one text, for a config.json: what spec_set_network() reads back. */
const char *spec_network_text(const struct spec *spec);

/* Contradictions that no single option shows. Part of spec_freeze(). */
bool spec_check_network(const struct spec *spec, struct err *e);

/* Letters, digits, and after the first also _ . -: what a network or container is called. */
bool spec_is_name(const char *text);

#endif

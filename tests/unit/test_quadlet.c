/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "quadlet/quadlet.h"
#include "quadlet/words.h"

#include <stdio.h>
#include <string.h>

/* Each word in brackets, or what is wrong. */
static const char *split(const char *text)
{
	struct strv words = {0};
	struct lines shown = {.arena = &arena};
	if (!words_split(&arena, text, &words, &error))
		return error.cause;
	for (size_t i = 0; i < words.n; i++)
		lines_add(&shown, "[", words.v[i], "]", NULL);
	return lines_text(&shown);
}

static void words_are_split_as_systemd_does(void **state)
{
	(void)state;
	assert_string_equal(split(""), "");
	assert_string_equal(split("  a\tb  "), "[a][b]");
	assert_string_equal(split("\"a b\" 'c \"d\"' e\"f g\"h"), "[a b][c \"d\"][ef gh]");
	assert_string_equal(split("\"\" ''"), "[][]");
	assert_string_equal(
		split("a\\sb \\x41\\102\\u00e9 \"\\\"\" \\\\"), "[a b][AB\u00e9][\"][\\]");
	assert_string_equal(split("\\d+ %i $HOME"), "[\\d+][%i][$HOME]");
	assert_string_equal(split("'open"), "a quote (') does not end");
	assert_string_equal(split("a\\x00"), "an escape stands for the zero byte");
}

static void words_that_are_written_are_read_again(void **state)
{
	static const char *const words[] = {"plain", "", "two words", "a\"b", "back\\slash", "it's",
		"new\nline", "\x01", ";", "\u00e9", "100%", "$HOME", "--opt=a b", "tab\t"};
	struct strv list = {0}, again = {0};
	struct lines text = {.arena = &arena}, literal = {.arena = &arena};
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		strv_add(&arena, &list, words[i]);
	words_add(&text, &list, WORDS_WRAPPED);
	assert_true(words_split(&arena, strchr(lines_text(&text), '\0') - text.n, &again, &error));
	/* The backslash of a wrapped line is the parser's, and a blank there. */
	assert_int_equal(again.n, list.n + 1);
	words_add(&literal, &list, WORDS_LITERAL);
	assert_non_null(strstr(lines_text(&literal), "\"100%%\" \"$$HOME\""));
	again = (struct strv){0};
	text.n = 0;
	words_add(&text, &list, 0);
	assert_true(words_split(&arena, lines_text(&text), &again, &error));
	assert_int_equal(again.n, list.n);
	for (size_t i = 0; i < list.n; i++)
		assert_string_equal(again.v[i], list.v[i]);
}

static bool parse(struct unit_file *file, const char *text)
{
	error = (struct err)ERR_INIT;
	return unit_file_parse(file, "f", text, strlen(text), &arena, &error);
}

static void lines_become_assignments(void **state)
{
	struct unit_file file = {0};
	const struct unit_entry **found;
	(void)state;
	assert_true(parse(
		&file, "# c\n; d\n\n [A] \r\n k = v w \\\n# between\n  x\\\\\nk=2\nj=\n[B]\nk=3"));
	assert_int_equal(file.n, 4);
	assert_string_equal(file.entries[0].key, "k");
	assert_string_equal(file.entries[0].value, "v w    x\\\\");
	assert_int_equal(file.entries[0].line, 5);
	assert_int_equal(file.entries[1].line, 8);
	assert_string_equal(unit_file_last(&file, "A", "k")->value, "2");
	assert_null(unit_file_last(&file, "A", "j"));
	assert_int_equal(unit_file_find(&file, "A", "k", &arena, &found), 2);
	/* A drop-in's empty value takes back what was there. */
	assert_true(parse(&file, "[A]\nk=\nk=9"));
	assert_int_equal(unit_file_find(&file, "A", "k", &arena, &found), 1);
	assert_string_equal(found[0]->value, "9");
	assert_string_equal(unit_file_last(&file, "B", "k")->value, "3");
}

static void lines_that_are_none_are_refused_with_their_number(void **state)
{
	static const struct {
		const char *text, *what, *cause;
	} cases[] = {{"k=v", "f:1", "'k=v' stands before any [Section]"},
		{"[A]\n\nkv", "f:3", "'kv' is not KEY=VALUE"},
		{"[A]\n=v", "f:2", "'=v' is not KEY=VALUE"},
		{"[A\nk=v", "f:1", "'[A' is no head of a section"},
		{"[A]]\n", "f:1", "'[A]]' is no head of a section"},
		{"[A]\na=b \\\nc=d\\ \n", "f:2", "'a=b  c=d\\' ends in a backslash"}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct unit_file file = {0};
		assert_false(parse(&file, cases[i].text));
		assert_string_equal(error.what, cases[i].what);
		assert_string_equal(error.cause, cases[i].cause);
	}
	struct unit_file file = {0};
	assert_false(unit_file_parse(&file, "f", "[A]\0", 4, &arena, &error));
	struct lines many = {.arena = &arena};
	lines_add(&many, "[A]\n", NULL);
	for (int i = 0; i <= UNIT_FILE_ENTRIES_MAX; i++)
		lines_add(&many, "a=b\n", NULL);
	assert_false(parse(&file, lines_text(&many)));
}

static struct quadlet_source sources[4];
static struct quadlet_set set = {sources, 0};

static void source(const char *name, const char *text)
{
	struct quadlet_source *to = &sources[set.n++];
	*to = (struct quadlet_source){.name = name, .path = name, .dir = "/home/u/50%"};
	assert_true(quadlet_kind_of(name, &to->kind));
	error = (struct err)ERR_INIT;
	assert_true(unit_file_parse(&to->file, name, text, strlen(text), &arena, &error));
}

/* The unit of the only source, or what is wrong with it. */
static const char *unit_of(const char *name, const char *text)
{
	struct quadlet_unit unit;
	set.n = 0;
	source(name, text);
	source("data.volume", "[Volume]\nVolumeName=things");
	source("front.network", "[Network]");
	error = (struct err)ERR_INIT;
	if (quadlet_translate(&set, &sources[0], "/bin/guscio", &arena, &unit, &error))
		return unit.text;
	return arena_printf(&arena, "%s: %s; %s", error.what, error.cause, error.hint);
}

static void has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("no '%s' in: %s", line, text);
}

static void a_container_becomes_a_service(void **state)
{
	const char *text = unit_of("web.container",
		"[Unit]\nAfter=db.container x.target\n[Container]\nImage=i:1\nExec=sh -c \"a $$b\" "
		"%i\n"
		"Environment=A=1 \"B=2 "
		"3\"\nVolume=data.volume:/d:ro\nVolume=./c:/c\nVolume=%h/e:/e\n"
		"Mount=type=bind,source=./m,dst=/m\nNetwork=front.network\nReadOnly=no\n"
		"NoNewPrivileges=true\nStopTimeout=2m\nReloadSignal=HUP\nUser=a\nGroup=b\n"
		"[Service]\nRestart=always\nKillMode=control-group\n[Install]\nWantedBy=default."
		"target");
	(void)state;
	has(text, "\nAfter=db.service x.target\n");
	has(text, "\nRequires=data-volume.service\nAfter=data-volume.service\n");
	has(text, "\nRequires=front-network.service\n");
	has(text, "\nRestart=always\nKillMode=control-group\nType=notify\nNotifyAccess=all\n");
	has(text, "\nExecStart=/bin/guscio run \\\n\t--name systemd-web \\\n\t--sdnotify conmon "
		  "\\\n\t-d");
	has(text, "--env A=1 \\\n\t--env \"B=2 3\"");
	has(text, "--volume things:/d:ro");
	has(text, "--volume /home/u/50%%/c:/c");
	has(text, "--volume %h/e:/e");
	has(text, "--mount type=bind,source=/home/u/50%%/m,dst=/m");
	has(text, "--network systemd-front");
	has(text, "--read-only=false");
	has(text, "--security-opt no-new-privileges");
	has(text, "--user a:b");
	has(text, "--pull missing i:1 sh \\\n\t-c \"a $$b\" %i\n");
	has(text, "\nExecStop=/bin/guscio stop systemd-web\n");
	has(text, "\nExecStopPost=-/bin/guscio rm -f -v systemd-web\n");
	has(text, "\nTimeoutStopSec=150\n");
	has(text, "\nExecReload=/bin/guscio kill --signal HUP systemd-web\n");
	text = unit_of("job.container", "[Container]\nImage=i\n[Service]\nType=oneshot");
	has(text, "ExecStart=/bin/guscio run \\\n\t--name systemd-job \\\n\t--cgroups split "
		  "\\\n\t--pull missing i\n");
	has(unit_of("web@.container", "[Container]\nRootfs=/r"), "--name systemd-web_%i");
	has(unit_of("web@a.container", "[Container]\nRootfs=@host"), "--name systemd-web_a");
}

static void links_follow_from_install(void **state)
{
	struct quadlet_unit unit;
	(void)state;
	set.n = 0;
	source("web@.container", "[Container]\nImage=i\n[Install]\nWantedBy=a.target b.target\n"
				 "RequiredBy=c.service\nDefaultInstance=x\nAlias=other@.service");
	assert_true(quadlet_translate(&set, &sources[0], "/g", &arena, &unit, &error));
	assert_string_equal(unit.name, "web@.service");
	assert_int_equal(unit.n_links, 4);
	assert_string_equal(unit.links[0].path, "a.target.wants/web@x.service");
	assert_string_equal(unit.links[0].target, "../web@.service");
	assert_string_equal(unit.links[2].path, "c.service.requires/web@x.service");
	assert_string_equal(unit.links[3].path, "other@.service");
	assert_string_equal(unit.links[3].target, "web@.service");
}

static void what_cannot_be_is_refused_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *answer;
	} cases[] = {
		{"[Container]\nImage=i\nPublishPorts=1:1",
			"w.container:3: unknown key 'PublishPorts' in [Container]; did you mean "
			"PublishPort=?"},
		{"[Container]\nPodmanArgs=-x", "w.container:2: PodmanArgs= is refused; they are "},
		{"[Pod]\nA=b", "w.container:2: unknown section [Pod]"},
		{"[Container]\nExec=x", "w.container:1: one of Image= and Rootfs= is needed"},
		{"[Container]\nImage=i\nRootfs=/r", "w.container:3: one of Image= and "},
		{"[Container]\nImage=-i", "w.container:2: Image= is a name"},
		{"[Container]\nImage=i\nVolume=no.volume:/x", "w.container:3: there is no file "},
		{"[Container]\nImage=i\nReadOnly=maybe", "w.container:3: ReadOnly= is true or"},
		{"[Container]\nImage=i\nGroup=g", "w.container:3: Group= without User="},
		{"[Container]\nImage=i\nExec='x", "w.container:3: a quote"},
		{"[Container]\nImage=i\nNetwork=a\nNetwork=b", "w.container:4: a container is in"},
		{"[Container]\nImage=i\n[Service]\nExecStart=/x",
			"w.container:4: ExecStart= is made"},
		{"[Container]\nImage=i\n[Service]\nType=forking", "w.container:4: Type= is notify"},
		{"[Container]\nImage=i\n[Service]\nKillMode=none", "w.container:4: KillMode=none"},
		{"[Container]\nImage=i\n[Install]\nWantedBy=../x",
			"w.container:4: '../x' is no name"}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		has(unit_of("w.container", cases[i].text), cases[i].answer);
	has(unit_of("w.volume", "[Volume]\nDriver=x"), "w.volume:2: Driver= is refused");
	has(unit_of("w.network", "[Network]\nSubnet=10.0.0.0/24\nInternal=yes"),
		"--internal \\\n\t--subnet 10.0.0.0/24 systemd-w\n");
}

static void names_of_no_unit_are_left_alone(void **state)
{
	enum quadlet_kind kind;
	(void)state;
	assert_true(quadlet_kind_of("a.b@c.container", &kind));
	assert_false(quadlet_kind_of(".container", &kind));
	assert_false(quadlet_kind_of("a b.container", &kind));
	assert_false(quadlet_kind_of("a/b.container", &kind));
	assert_false(quadlet_kind_of("a.service", &kind));
	assert_false(quadlet_kind_of("a.container~", &kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(words_are_split_as_systemd_does),
		TEST(words_that_are_written_are_read_again), TEST(lines_become_assignments),
		TEST(lines_that_are_none_are_refused_with_their_number),
		TEST(a_container_becomes_a_service), TEST(links_follow_from_install),
		TEST(what_cannot_be_is_refused_with_file_and_line),
		TEST(names_of_no_unit_are_left_alone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

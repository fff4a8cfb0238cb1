/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "cmd/template.h"

#include <stdlib.h>
#include <string.h>

static const char data[] =
	"{\"Name\": \"web\", \"State\": {\"Running\": true, \"Pid\": 7}, \"Env\": [\"A=1\", "
	"\"B=2\"], "
	"\"Labels\": {\"b\": \"2\", \"a c\": \"1\"}, \"None\": [], \"Nothing\": null, \"Ports\": "
	"{\"80/tcp\": [{\"HostPort\": \"8080\"}], \"443/tcp\": null}}";

/* What it prints, or NULL. */
static char *print(const char *template)
{
	char *text = NULL;
	size_t size;
	json_t *value = json_loads(data, 0, NULL);
	FILE *out = open_memstream(&text, &size);
	bool ok = template_print(out, value, template, &arena, &error);
	fclose(out);
	json_decref(value);
	if (ok)
		return text;
	assert_true(error.what[0] != '\0');
	free(text);
	return NULL;
}

static void what_people_write(void **state)
{
	static const char *const both[][2] = {
		{"{{.Name}} {{ .State.Pid }}\\t{{json .Env}}", "web 7\t[\"A=1\",\"B=2\"]"},
		{"{{.name}}{{.Env}}{{.Labels}}", "web[A=1 B=2]map[b:2 a c:1]"},
		{"{{range .Env}}<{{.}}>{{end}}", "<A=1><B=2>"},
		{"{{range $i, $e := .Env}}{{$i}}{{$e}} {{end}}", "0A=1 1B=2 "},
		{"{{range $k, $v := .Labels}}{{$k}}={{$v}},{{end}}", "a c=1,b=2,"},
		{"{{range .None}}x{{else}}none{{end}}{{range .Gone}}x{{end}}", "none"},
		{"{{if .State.Running}}up{{else}}down{{end}}", "up"},
		{"{{if .State.Health}}{{.State.Health.Status}}{{else}}no check{{end}}", "no check"},
		{"{{if eq .Name \"db\"}}1{{else if eq .Name \"web\" \"x\"}}2{{else}}3{{end}}", "2"},
		{"{{if and .State.Running (not .None)}}yes{{end}}", "yes"},
		{"{{with .State}}{{.Pid}}{{$.Name}}{{end}}", "7web"},
		{"{{index .Labels \"a c\"}}|{{index .Labels \"gone\"}}|{{index .Env 1}}", "1||B=2"},
		{"{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080"},
		{"{{range $p, $c := .Ports}}{{if $c}}{{$p}} {{(index $c "
		 "0).HostPort}}{{end}}{{end}}",
			"80/tcp 8080"},
		{"{{len .Env}} {{join .Env \", \"}} {{.Name | upper | json}}",
			"2 A=1, B=2 \"WEB\""},
		{"{{range split \"a:b\" \":\"}}{{.}};{{end}}", "a;b;"},
		{"a  {{- .Name -}}  b {{println .Name}}", "awebb web\n"},
		{"{{$n := .Name}}{{\"}}\"}}{{$n}}{{/* no */}}{{`\\n`}}", "}}web\\n"},
		{"{{range .Env}}{{range $.Env}}.{{end}}{{end}}", "...."}};
	(void)state;
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		char *text = print(both[i][0]);
		if (!text)
			print_message("%s: %s\n", both[i][0], error.what);
		assert_non_null(text);
		assert_string_equal(text, both[i][1]);
		free(text);
	}
}

static void what_is_refused(void **state)
{
	static const char *const wrong[] = {"{{.Shoe}}", "{{.Name", "{{.Name}}{{end}}",
		"{{if .Name}}", "{{range .Env}}x", "{{range .Name}}x{{end}}", "{{nonsense .Name}}",
		"{{index .Env 9}}", "{{index .Name 0}}", "{{json}}", "{{json . .}}",
		"{{.Name .Env}}", "{{(.Name}}", "{{\"a}}", "{{$x}}", "{{else}}", "{{.Name | .Env}}",
		"{{}}", "{{|}}", "{{.Name |}}", "{{if}}x{{end}}", "{{split .Env 1}}"};
	char deep[4096] = "{{";
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (print(wrong[i]))
			fail_msg("'%s' is taken", wrong[i]);
	}
	memset(deep + 2, '(', 1000);
	assert_null(print(deep));
	deep[0] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(deep, "{{if .Name}}");
	assert_null(print(deep));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_people_write, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(what_is_refused, arena_setup, arena_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* What the program prints, in each format, of a real process. */
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void start(struct target *target, const char *scene)
{
    struct interpreter pythons[PYTHONS_MAX];
    size_t count = pythons_find(pythons, PYTHON_SUPPORTED);

    cr_assert_gt(count, 0, "no interpreter to test with");
    target_start(target, &pythons[count / 2], scene);
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; (text = strchr(text, '\n')); text++)
        lines++;
    return lines;
}

/* Does Python say that this holds of the JSON that it reads? `claim` sees it as `census`. */
static bool holds(const char *json, const char *claim)
{
    char command[1024], path[] = "/tmp/pyinspect-json-XXXXXX";
    int fd = mkstemp(path);

    cr_assert(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs(json, file);
    fclose(file);
    snprintf(command, sizeof(command),
             "env -u ASAN_OPTIONS python3 -c 'import json, sys; census = json.load(open(\"%s\")); "
             "sys.exit(not (%s))'",
             path, claim);
    int status = system(command);
    remove(path);
    return status == 0;
}

Test(output, text)
{
    struct target target;
    struct program program;

    start(&target, "bare");
    program_attach(&program, target.pid, "--most-common", "3", NULL);
    cr_expect_eq(program.status, 0);
    cr_expect_eq(count_lines(program.out), 1 + 3 + 2, "%s", program.out);
    cr_expect(strncmp(program.out, "Type ", 5) == 0, "%s", program.out);
    cr_expect(strstr(program.out, " other types "), "%s", program.out);
    cr_expect(strstr(program.out, "\nAll "), "%s", program.out);
    cr_expect_null(strchr(program.out, '\x1b'));
    cr_expect_eq(count_lines(program.err), 1, "%s", program.err);
    cr_expect(strstr(program.err, "links verified; process "), "%s", program.err);
    cr_expect(strstr(program.err, " stood still for "), "%s", program.err);
    program_free(&program);
    target_end(&target);
}

Test(output, json)
{
    struct target target;
    struct program program;
    char claim[64];

    start(&target, "bare");
    program_attach(&program, target.pid, "--json", "--most-common", "0");
    cr_expect_eq(program.status, 0);
    snprintf(claim, sizeof(claim), "census[\"target\"][\"pid\"] == %d", (int)target.pid);
    cr_expect(holds(program.out, claim), "%s", program.out);
    cr_expect(holds(program.out, "census[\"complete\"] is True"));
    cr_expect(holds(program.out, "0 < census[\"pause_ms\"] < 10000"));
    cr_expect(holds(program.out, "census[\"target\"][\"version\"].startswith(\"3.\")"));
    cr_expect(holds(program.out, "census[\"target\"][\"executable\"].startswith(\"/\")"));
    cr_expect(holds(program.out, "sum(t[\"count\"] for t in census[\"types\"]) == "
                                 "census[\"objects\"] == sum(census[\"generations\"].values())"));
    cr_expect(
        holds(program.out, "sum(t[\"bytes\"] for t in census[\"types\"]) == census[\"bytes\"]"));
    cr_expect(holds(program.out, "set(census[\"generations\"]) == "
                                 "{\"0\", \"1\", \"2\", \"permanent\"}"));
    cr_expect(holds(program.out, "census[\"types\"] == sorted(census[\"types\"], "
                                 "key=lambda t: (-t[\"count\"], t[\"type\"].encode()))"));
    program_free(&program);
    target_end(&target);
}

Test(output, order_by_bytes)
{
    struct target target;
    struct program program;

    start(&target, "bare");
    program_attach(&program, target.pid, "--json", "--by=bytes", "--most-common=0");
    cr_expect(holds(program.out, "census[\"types\"] == sorted(census[\"types\"], "
                                 "key=lambda t: (-t[\"bytes\"], t[\"type\"].encode()))"));
    program_free(&program);
    target_end(&target);
}

Test(output, csv)
{
    struct target target;
    struct program program;

    start(&target, "bare");
    program_attach(&program, target.pid, "--csv", "--most-common", "5");
    cr_expect_eq(program.status, 0);
    cr_expect(strncmp(program.out, "type,count,bytes\n", 17) == 0, "%s", program.out);
    cr_expect_eq(count_lines(program.out), 1 + 5, "%s", program.out);
    program_free(&program);
    target_end(&target);
}

Test(output, one_generation)
{
    struct target target;
    struct program program;

    start(&target, "frozen");
    program_attach(&program, target.pid, "--json", "--generation", "0,1,2");
    cr_expect(holds(program.out, "\"permanent\" not in census[\"generations\"]"));
    cr_expect(holds(program.out, "census[\"objects\"] < 1000"), "%s", program.out);
    program_free(&program);
    program_attach(&program, target.pid, "--json", "--generation", "permanent");
    cr_expect(holds(program.out, "list(census[\"generations\"]) == [\"permanent\"]"));
    cr_expect(holds(program.out, "census[\"objects\"] > 10000"), "%s", program.out);
    program_free(&program);
    target_end(&target);
}

Test(output, short_names_merge_namesakes)
{
    struct target target;
    struct program program;

    start(&target, "stdlib");
    program_attach(&program, target.pid, "--json", "--short-names", "--most-common=0");
    cr_expect(holds(program.out, "len({t[\"type\"] for t in census[\"types\"]}) == "
                                 "len(census[\"types\"])"));
    cr_expect(holds(program.out, "\"ModuleSpec\" in {t[\"type\"] for t in census[\"types\"]}"));
    program_free(&program);
    target_end(&target);
}

static const char *const formats[] = {"--json", "--csv", "--by=count"};

/* Names with escape sequences, line feeds and worse: no byte below the blank but the line ends. */
Test(output, hostile_names_are_harmless)
{
    struct target target;

    start(&target, "names");
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        struct program program;
        program_attach(&program, target.pid, formats[i], "--most-common=0", NULL);
        cr_expect_eq(program.status, 0, "%s", program.err);
        for (size_t at = 0; at < program.out_length; at++) {
            unsigned char c = (unsigned char)program.out[at];
            cr_assert((c >= 0x20 && c != 0x7f) || c == '\n', "%s: byte %#x at %zu", formats[i], c,
                      at);
        }
        cr_expect_null(strstr(program.out, "\xe2\x80\xae"), "a bidirectional override");
        program_free(&program);
    }
    target_end(&target);
}

static int status_with_output_to(const struct target *target, const char *redirection)
{
    char command[256];

    snprintf(command, sizeof(command), "\"$PYINSPECT\" attach %d --json %s", (int)target->pid,
             redirection);
    int status = system(command);
    return status >= 0 ? status >> 8 : status;
}

Test(output, that_cannot_be_written)
{
    struct target target;

    start(&target, "bare");
    cr_expect_eq(status_with_output_to(&target, "> /dev/full 2> /dev/null"), 7);
    cr_expect_eq(status_with_output_to(&target, ">&- 2> /dev/null"), 7);
    cr_expect_eq(status_with_output_to(&target, "2>&- > /dev/null"), 0);
    target_end(&target);
}

// SPDX-License-Identifier: MIT
/* What the program prints, in each format, of a real process. */
#include "tests/support/program.h"
#include "tests/support/target.h"

#include <criterion/criterion.h>
#include <signal.h>
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
    snprintf(claim, sizeof(claim), "answer[\"target\"][\"pid\"] == %d", (int)target.pid);
    cr_expect(program_holds(&program, claim), "%s", program.out);
    cr_expect(program_holds(&program, "answer[\"complete\"] is True"));
    cr_expect(program_holds(&program, "0 < answer[\"pause_ms\"] < 10000"));
    cr_expect(program_holds(&program, "answer[\"target\"][\"version\"].startswith(\"3.\")"));
    cr_expect(program_holds(&program, "answer[\"target\"][\"executable\"].startswith(\"/\")"));
    cr_expect(program_holds(&program,
                            "sum(t[\"count\"] for t in answer[\"types\"]) == "
                            "answer[\"objects\"] == sum(answer[\"generations\"].values())"));
    cr_expect(program_holds(&program,
                            "sum(t[\"bytes\"] for t in answer[\"types\"]) == answer[\"bytes\"]"));
    cr_expect(program_holds(&program, "set(answer[\"generations\"]) == "
                                      "{\"0\", \"1\", \"2\", \"permanent\"}"));
    cr_expect(program_holds(&program, "answer[\"types\"] == sorted(answer[\"types\"], "
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
    cr_expect(program_holds(&program, "answer[\"types\"] == sorted(answer[\"types\"], "
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
    cr_expect(program_holds(&program, "\"permanent\" not in answer[\"generations\"]"));
    cr_expect(program_holds(&program, "answer[\"objects\"] < 1000"), "%s", program.out);
    program_free(&program);
    program_attach(&program, target.pid, "--json", "--generation", "permanent");
    cr_expect(program_holds(&program, "list(answer[\"generations\"]) == [\"permanent\"]"));
    cr_expect(program_holds(&program, "answer[\"objects\"] > 10000"), "%s", program.out);
    program_free(&program);
    target_end(&target);
}

Test(output, short_names_merge_namesakes)
{
    struct target target;
    struct program program;

    start(&target, "stdlib");
    program_attach(&program, target.pid, "--json", "--short-names", "--most-common=0");
    cr_expect(program_holds(&program, "len({t[\"type\"] for t in answer[\"types\"]}) == "
                                      "len(answer[\"types\"])"));
    cr_expect(
        program_holds(&program, "\"ModuleSpec\" in {t[\"type\"] for t in answer[\"types\"]}"));
    program_free(&program);
    target_end(&target);
}

static unsigned long long objects_of(const struct program *program)
{
    const char *at = strstr(program->out, "\"objects\": ");

    cr_assert_not_null(at);
    return strtoull(at + strlen("\"objects\": "), NULL, 10);
}

/* Whoever may not trace can still read without a stop, and of a heap that stands still it is all.
 */
Test(output, no_stop)
{
    struct target target;
    struct program program, stopped;
    char pid[16], claim[64];

    start(&target, "bare");
    snprintf(pid, sizeof(pid), "%d", (int)target.pid);
    program_attach(&stopped, target.pid, "--json", NULL, NULL);
    cr_expect_eq(stopped.status, 0, "%s", stopped.err);
    cr_expect(program_holds(&stopped, "answer[\"stopped\"] is True"));
    cr_expect(program_holds(&stopped, "answer[\"in_pieces\"] is False"));

    program_run_untraced(&program, (const char *const[]){"attach", pid, NULL});
    cr_expect_eq(program.status, 128 + SIGSYS, "%d", program.status);
    program_free(&program);

    program_run_untraced(&program,
                         (const char *const[]){"attach", pid, "--no-stop", "--json", NULL});
    cr_expect_eq(program.status, 1, "status %d: %s", program.status, program.err);
    cr_expect(program_holds(&program, "answer[\"stopped\"] is False"), "%s", program.out);
    cr_expect(program_holds(&program, "answer[\"complete\"] is False"), "%s", program.out);
    cr_expect(program_holds(&program, "answer[\"pause_ms\"] == answer[\"stops\"] == 0"));
    cr_expect(program_holds(&program, "answer[\"links\"][\"broken\"] == 0"), "%s", program.out);
    snprintf(claim, sizeof(claim), "answer[\"objects\"] == %llu", objects_of(&stopped));
    cr_expect(program_holds(&program, claim), "%s: %s", claim, program.out);
    program_free(&program);
    program_free(&stopped);
    target_end(&target);
}

Test(output, no_stop_claims_nothing)
{
    static const char start_of_line[] = "pyinspect: UNVERIFIED, read while the process ran "
                                        "(--no-stop), 0 links without a matching back link: ";
    struct target target;
    struct program program;

    start(&target, "bare");
    program_attach(&program, target.pid, "--no-stop", NULL, NULL);
    cr_expect_eq(program.status, 1);
    cr_expect(strncmp(program.err, start_of_line, strlen(start_of_line)) == 0, "%s", program.err);
    cr_expect(strstr(program.err, " resident) was not stopped\n"), "%s", program.err);
    cr_expect_null(strstr(program.err, "all "), "%s", program.err);
    cr_expect_null(strstr(program.err, " ms"), "%s", program.err);
    cr_expect(strstr(program.out, "\nUNVERIFIED: "), "%s", program.out);
    cr_expect_null(strstr(program.out, "\nAll "), "%s", program.out);
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

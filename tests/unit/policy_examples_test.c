/* Example policies, ours and the peer's, explained as tests/vectors/policy/ has it. POLICY_SNAPSHOTS=write renews. */
#include <stdlib.h>
#include <unistd.h>

#include "aip/limits.h"
#include "tests/unit/policy_subject.h"

#define SNAPSHOTS "tests/vectors/policy/"

static void
write_snapshot(const char *path, aip_bytes said)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file != NULL) {
        CHECK(fwrite(said.data, 1, said.size, file) == said.size);
        fclose(file);
    }
}

/* What becomes of the file as text: the policy explained, or its problems. */
static aip_status
tell(const char *path, text_buffer *said)
{
    static const policy_origin origin = {.paths = &subject_paths};
    STRING_AUTO char *text = NULL;
    size_t size = 0;
    policy *p = NULL;
    policy_problems problems;
    AIP_TRY(text_load_file(path, AIP_CONFIG_BYTES_MAX, &text, &size, NULL));
    aip_status status = policy_load_all((aip_bytes){(const unsigned char *)text, size}, &origin, &problems, &p, NULL);
    for (size_t i = 0; i < problems.count; i++) {
        text_append_format(said, "line %u, column %u: %s: %s\n", problems.items[i].line, problems.items[i].column,
                           aip_status_lookup(problems.items[i].status)->name, problems.items[i].sentence);
    }
    if (status == AIP_OK) {
        CHECK_STATUS(policy_explain(p, said, NULL), AIP_OK);
    }
    policy_free(&p);
    return status;
}

static void
check_example(const char *folder, const char *name, bool loads)
{
    TEXT_AUTO text_buffer said = {0};
    STRING_AUTO char *wanted = NULL;
    char path[600];
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s.yaml", folder, name);
    CHECK((tell(path, &said) == AIP_OK) == loads && said.size > 0);
    snprintf(path, sizeof path, SNAPSHOTS "%s.txt", name);
    if (getenv("POLICY_SNAPSHOTS") != NULL) {
        write_snapshot(path, text_view(&said));
    }
    CHECK_STATUS(text_load_file(path, AIP_CONFIG_BYTES_MAX, &wanted, &size, NULL), AIP_OK);
    if (!aip_bytes_equal(text_view(&said), (aip_bytes){(const unsigned char *)wanted, size})) {
        printf("  %s is now explained so:\n%.*s", name, (int)said.size, said.data);
        CHECK(false);
    }
}

static void
our_examples_load_and_are_explained(void)
{
    static const char *const names[] = {"read-only-files", "payments", "monitor-roll-out", "data-loss"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check_example("examples/policies", names[i], true);
    }
}

static void
the_peers_examples_load_or_are_refused_by_name(void)
{
    static const struct {
        const char *name;
        bool loads;
    } peers[] = {{"agent-monitor", true}, {"agent", true},           {"docker-wrapper", true},
                 {"gpu-policy", true},    {"monitor-mode", true},    {"gemini-jack-defense", false},
                 {"read-only", false},    {"identity-server", false}};
    const char *root = getenv("AIP_VECTORS");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/08-oaip/example_policies", root == NULL ? "../shared/vectors" : root);
    if (access(folder, R_OK) != 0) {
        printf("  skipped: 08-oaip/example_policies is absent\n");
        return;
    }
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        check_example(folder, peers[i].name, peers[i].loads);
    }
}

RUN(TEST(our_examples_load_and_are_explained), TEST(the_peers_examples_load_or_are_refused_by_name))

/* A tools/call over stdio: straight to the server, and through `aip-gateway wrap` with policy and audit on, in turn in
 * one run. The decision log is as durable as said. */
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 20, TRIPS = 100, LINE_MAX_BYTES = 65536 };

static char self[4096], gateway[4200], folder[] = "/tmp/wrap_bench.XXXXXX";

typedef struct {
    FILE *in;
    int out;
    pid_t pid;
} peer;

/* ---- the server: answers each request with its id ---- */

static int
serve(void)
{
    static char line[LINE_MAX_BYTES], copy[LINE_MAX_BYTES + 64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        const char *id = strstr(line, "\"id\":");
        if (id == NULL) {
            continue;
        }
        int size = snprintf(
            copy, sizeof copy,
            "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}}\n",
            (int)strcspn(id + 5, ",}"), id + 5);
        if (write(STDOUT_FILENO, copy, (size_t)size) != size) {
            return 1;
        }
    }
    return 0;
}

/* ---- the client ---- */

static peer
start(const char *const *arguments)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        require(AIP_IO, "pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execv(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    return (peer){fdopen(out[0], "r"), in[1], pid};
}

static void
ask(const peer *p, const char *line, size_t size)
{
    static char answer[LINE_MAX_BYTES];
    if (write(p->out, line, size) != (ssize_t)size || fgets(answer, sizeof answer, p->in) == NULL ||
        strstr(answer, "\"result\"") == NULL) {
        require(AIP_UPSTREAM_INVALID, "an answer");
    }
}

static double
trip(const peer *p, unsigned id)
{
    char line[512];
    int size = snprintf(line, sizeof line,
                        "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\",\"params\":{\"name\":\"search\","
                        "\"arguments\":{\"query\":\"tides of the north harbour\",\"limit\":10}}}\n",
                        id);
    uint64_t begun = nanoseconds();
    ask(p, line, (size_t)size);
    return (double)(nanoseconds() - begun) / 1000;
}

static void
greet(const peer *p)
{
    static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":\"g\",\"method\":\"initialize\",\"params\":"
                               "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}}\n";
    ask(p, line, sizeof line - 1);
}

static void
end(peer *p)
{
    close(p->out);
    fclose(p->in);
    (void)waitpid(p->pid, NULL, 0);
}

static void
write_policy(const char *path)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        require(AIP_IO, path);
    }
    fputs("apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: bench}\nspec:\n  allowed_tools: [search]\n",
          file);
    fclose(file);
}

static void
measure(const char *sync)
{
    static double bare[ROUNDS * TRIPS], with[ROUNDS * TRIPS];
    char policy[128], audit[128];
    snprintf(policy, sizeof policy, "%s/policy.yaml", folder);
    snprintf(audit, sizeof audit, "%s/audit-%s.jsonl", folder, sync);
    write_policy(policy);
    const char *const straight[] = {self, "server", NULL};
    const char *const wrapped[] = {gateway,        "wrap", "--policy", policy, "--audit", audit,
                                   "--audit-sync", sync,   "--",       self,   "server",  NULL};
    peer one = start(straight), two = start(wrapped);
    unsigned id = 0;
    greet(&one);
    greet(&two);
    for (size_t i = 0; i < ROUNDS; i++) {
        for (size_t k = 0; k < TRIPS; k++) {
            bare[i * TRIPS + k] = trip(&one, ++id);
        }
        for (size_t k = 0; k < TRIPS; k++) {
            with[i * TRIPS + k] = trip(&two, ++id);
        }
    }
    double bare_p50 = median(bare, ROUNDS * TRIPS), with_p50 = median(with, ROUNDS * TRIPS);
    printf("audit %-6s straight p50 %6.1f us, p99 %7.1f; wrap p50 %6.1f us, p99 %7.1f; added p50 %.1f us\n", sync,
           bare_p50, bare[ROUNDS * TRIPS * 99 / 100], with_p50, with[ROUNDS * TRIPS * 99 / 100], with_p50 - bare_p50);
    end(&one);
    end(&two);
}

static void
name_programs(void)
{
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size <= 0) {
        require(AIP_IO, "/proc/self/exe");
    }
    char *slash = strrchr(self, '/');
    snprintf(gateway, sizeof gateway, "%.*s/../../aip-gateway", (int)(slash - self), self);
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "server") == 0) {
        return serve();
    }
    name_programs();
    if (access(gateway, X_OK) != 0) {
        printf("wrap: skipped, %s is not built\n", gateway);
        return 0;
    }
    if (mkdtemp(folder) == NULL) {
        require(AIP_IO, folder);
    }
    measure("none");
    measure("group");
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}

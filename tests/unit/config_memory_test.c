/* gateway.yaml when memory ends at any allocation: a refusal, and nothing stays behind. */
#include "tests/unit/check.h"
#include "tests/unit/failing_memory.h"

#include <stdlib.h>

#include "gateway/config.h"

static const char text[] = "listen: {port: 1}\naudiences: [a, b]\ntrust:\n  - root: did:web:a.example\n"
                           "    scope: ['tool:a', 'tool:b']\n    budget_usd: 1.5\n  - \"did:web:*.b.example\"\n"
                           "unknown: {name: g, scope: [\"tool:c\"]}\n"
                           "upstreams:\n  - {name: a, command: [x, w], environment: [B]}\n"
                           "  - {name: b, url: 'http://h/', headers: {K: {file: f}}}\n"
                           "  - {name: all, members: [a, b]}\n";

static void
memory_that_ends_anywhere_is_a_refusal_and_leaves_nothing(void)
{
    static config_problems problems;
    gateway_config config;
    aip_status status = AIP_NO_MEMORY;
    long count = 0;
    CHECK_STATUS(config_load(AIP_BYTES_LITERAL(text), &config, &problems, NULL), AIP_OK);
    config_clear(&config); /* what is drawn or made once is there now */
    for (; count < 2000 && status == AIP_NO_MEMORY; count++) {
        long before = living;
        allowed = count;
        status = config_load(AIP_BYTES_LITERAL(text), &config, &problems, NULL);
        allowed = -1;
        config_clear(&config);
        CHECK(living == before);
    }
    CHECK_STATUS(status, AIP_OK);
#ifndef OTHER_ALLOCATOR
    CHECK(count > 100);
#endif
}

RUN(TEST(memory_that_ends_anywhere_is_a_refusal_and_leaves_nothing))

/* Callers' buckets: one array for each, for each rule set, and a bounded number of callers. */
#include "gateway/buckets.h"

#include <pthread.h>

#include "tests/unit/check.h"

static caller_buckets *all;

static void
name(unsigned number, unsigned char out[AIP_HASH_BYTES])
{
    hash_sha256((aip_bytes){(const unsigned char *)&number, sizeof number}, out);
}

static policy_bucket *
find(uint64_t serial, unsigned number, size_t count)
{
    unsigned char caller[AIP_HASH_BYTES];
    name(number, caller);
    caller_buckets_lock(all);
    policy_bucket *found = caller_buckets_find(all, serial, caller, count);
    caller_buckets_unlock(all);
    CHECK(found != NULL);
    return found;
}

static void
begin(void)
{
    CHECK_STATUS(caller_buckets_new(&all, NULL), AIP_OK);
}

static void
end(void)
{
    caller_buckets_free(&all);
    CHECK(all == NULL);
}

static void
a_caller_finds_what_it_used(void)
{
    begin();
    policy_bucket *mine = find(1, 1, 3);
    CHECK(mine[0].used == 0 && mine[2].used == 0);
    mine[2].used = 7;
    find(1, 2, 3)[2].used = 9;
    CHECK(find(1, 1, 3) == mine && mine[2].used == 7);
    end();
}

static void
another_caller_does_not(void)
{
    begin();
    find(1, 1, 1)[0].used = 7;
    CHECK(find(1, 2, 1)[0].used == 0);
    end();
}

static void
nor_does_the_caller_under_other_rules(void)
{
    begin();
    find(1, 1, 1)[0].used = 7;
    CHECK(find(2, 1, 1)[0].used == 0);
    CHECK(find(1, 1, 2)[0].used == 0); /* an array of another size is never taken for it */
    CHECK(find(1, 1, 1)[0].used == 7);
    end();
}

static void
who_has_not_called_for_longest_is_forgotten_and_no_other(void)
{
    begin();
    find(1, 0, 1)[0].used = 1;
    find(1, 1, 1)[0].used = 1;
    for (unsigned i = 2; i < CALLER_BUCKETS_MAX; i++) {
        find(1, i, 1)[0].used = 1;
    }
    CHECK(find(1, 0, 1)[0].used == 1); /* now the youngest */
    (void)find(1, CALLER_BUCKETS_MAX, 1);
    CHECK(find(1, 0, 1)[0].used == 1);
    CHECK(find(1, 2, 1)[0].used == 1);
    CHECK(find(1, 1, 1)[0].used == 0);
    end();
}

static void *
count_up(void *context)
{
    unsigned char caller[AIP_HASH_BYTES];
    for (unsigned i = 0; i < 5000; i++) {
        name(i % 7, caller);
        caller_buckets_lock(all);
        caller_buckets_find(all, 1, caller, 1)[0].used++;
        caller_buckets_unlock(all);
    }
    return context;
}

static void
threads_do_not_lose_what_was_used(void)
{
    pthread_t threads[3];
    uint64_t sum = 0;
    begin();
    for (size_t i = 0; i < 3; i++) {
        CHECK(pthread_create(&threads[i], NULL, count_up, NULL) == 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < 7; i++) {
        sum += find(1, i, 1)[0].used;
    }
    CHECK(sum == 15000);
    end();
}

RUN(TEST(a_caller_finds_what_it_used), TEST(another_caller_does_not), TEST(nor_does_the_caller_under_other_rules),
    TEST(who_has_not_called_for_longest_is_forgotten_and_no_other), TEST(threads_do_not_lose_what_was_used))

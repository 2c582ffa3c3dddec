/* Which bytes a header's value may have, wherever in it they stand. */
#include "check.h"
#include "gateway/exchange.h"

enum { LONGEST = 33 };

static bool
may_stand(unsigned char byte)
{
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

static void
each_byte_is_judged_alike_at_each_place(void)
{
    static const unsigned char around[] = {'a', ' ', '~', '\t', 0x80, 0xff};
    unsigned char value[LONGEST];
    for (size_t size = 1; size <= LONGEST; size++) {
        for (unsigned i = 0; i < size * 256; i++) {
            memset(value, around[i % sizeof around], size);
            value[i / 256] = (unsigned char)i;
            CHECK(exchange_is_field_value((aip_bytes){value, size}) == may_stand((unsigned char)i));
        }
    }
}

static void
nothing_is_a_value_and_two_wrongs_are_none(void)
{
    CHECK(exchange_is_field_value((aip_bytes){NULL, 0}));
    CHECK(!exchange_is_field_value(AIP_BYTES_LITERAL("\n\x1f"
                                                     "123456")));
    CHECK(!exchange_is_field_value(AIP_BYTES_LITERAL("12345678\r\nInjected: yes")));
    CHECK(!exchange_is_field_value(AIP_BYTES_LITERAL("1234567\0")));
}

RUN(TEST(each_byte_is_judged_alike_at_each_place), TEST(nothing_is_a_value_and_two_wrongs_are_none))

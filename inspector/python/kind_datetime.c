// SPDX-License-Identifier: MIT
/* datetime and zoneinfo. */
#include "inspector/python/kind.h"
#include "inspector/python/names.h"

#include <inttypes.h>

enum { MOST_TTINFOS = 256, LONGEST_DATA = 10 };

/* The bytes of `data`, whose last three are the microseconds. */
static const uint8_t *data_of(const struct reader *reader, uint64_t address,
                              enum layout_slot_id field, unsigned size)
{
    uint64_t data = field_address(reader, address, field);

    return data ? image_at(reader->image, data, size) : NULL;
}

static unsigned microseconds(const uint8_t *data)
{
    return (unsigned)data[0] << 16 | (unsigned)data[1] << 8 | data[2];
}

/* Seconds are left out where they are 0 and there are no microseconds either. */
static void add_seconds(struct printer *printer, unsigned second, unsigned microsecond)
{
    if (second || microsecond)
        printer_addf(printer, ", %u", second);
    if (microsecond)
        printer_addf(printer, ", %u", microsecond);
}

static uint64_t tzinfo_of(const struct reader *reader, uint64_t address,
                          enum layout_slot_id has_tzinfo, enum layout_slot_id tzinfo)
{
    uint64_t has;

    /* A naive one ends before the field. */
    return read_field(reader, address, has_tzinfo, &has) && has
               ? read_pointer(reader, address, tzinfo)
               : 0;
}

static void add_tzinfo(struct printer *printer, uint64_t tzinfo)
{
    if (tzinfo) {
        printer_add(printer, ", tzinfo=");
        printer_object(printer, tzinfo);
    }
}

static bool date_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const uint8_t *data = data_of(printer->reader, address, PyDateTime_Date_data, 4);

    if (!data)
        return false;
    unsigned year = (unsigned)data[0] << 8 | data[1], month = data[2], day = data[3];
    printer_add_tp_name(printer, type, 256);
    printer_addf(printer, "(%u, %u, %u)", year, month, day);
    return true;
}

static bool datetime_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    const uint8_t *at = data_of(reader, address, PyDateTime_DateTime_data, LONGEST_DATA);
    uint8_t data[LONGEST_DATA];
    uint64_t fold = 0;

    if (!at)
        return false;
    memcpy(data, at, sizeof(data));
    printer_add_tp_name(printer, type, 256);
    printer_addf(printer, "(%u, %u, %u, %u, %u", (unsigned)data[0] << 8 | data[1], data[2], data[3],
                 data[4], data[5]);
    add_seconds(printer, data[6], microseconds(data + 7));
    if (read_field(reader, address, PyDateTime_DateTime_fold, &fold) && fold)
        printer_addf(printer, ", fold=%u", (unsigned)fold);
    add_tzinfo(printer, tzinfo_of(reader, address, PyDateTime_DateTime_hastzinfo,
                                  PyDateTime_DateTime_tzinfo));
    printer_add(printer, ")");
    return true;
}

static bool time_print(struct printer *printer, const struct type *type, uint64_t address)
{
    const struct reader *reader = printer->reader;
    const uint8_t *at = data_of(reader, address, PyDateTime_Time_data, 6);
    uint64_t fold = 0;

    if (!at)
        return false;
    unsigned hour = at[0], minute = at[1], second = at[2], microsecond = microseconds(at + 3);
    printer_add_tp_name(printer, type, 256);
    printer_addf(printer, "(%u, %u", hour, minute);
    add_seconds(printer, second, microsecond);
    add_tzinfo(printer,
               tzinfo_of(reader, address, PyDateTime_Time_hastzinfo, PyDateTime_Time_tzinfo));
    if (read_field(reader, address, PyDateTime_Time_fold, &fold) && fold)
        printer_addf(printer, ", fold=%u",
                     (unsigned)fold); /* last, other than that of a datetime */
    printer_add(printer, ")");
    return true;
}

/* 3.6: positional, without what is 0 at the end. */
static void add_positional(struct printer *printer, const int32_t parts[3])
{
    printer_addf(printer, "%" PRId32, parts[0]);
    if (parts[1] || parts[2])
        printer_addf(printer, ", %" PRId32, parts[1]);
    if (parts[2])
        printer_addf(printer, ", %" PRId32, parts[2]);
}

static void add_keywords(struct printer *printer, const int32_t parts[3])
{
    static const char *const names[] = {"days", "seconds", "microseconds"};
    const char *separator = "";

    for (unsigned i = 0; i < 3; i++) {
        if (!parts[i])
            continue;
        printer_addf(printer, "%s%s=%" PRId32, separator, names[i], parts[i]);
        separator = ", ";
    }
    if (!*separator)
        printer_add(printer, "0");
}

static bool timedelta_print(struct printer *printer, const struct type *type, uint64_t address)
{
    static const enum layout_slot_id fields[] = {PyDateTime_Delta_days, PyDateTime_Delta_seconds,
                                                 PyDateTime_Delta_microseconds};
    int32_t parts[3];
    uint64_t word;

    for (unsigned i = 0; i < 3; i++) {
        if (!read_field(printer->reader, address, fields[i], &word))
            return false;
        parts[i] = (int32_t)(uint32_t)word;
    }
    printer_add_tp_name(printer, type, 256);
    printer_add(printer, "(");
    if (printer->reader->python->shape.reprs_name_class)
        add_keywords(printer, parts);
    else
        add_positional(printer, parts);
    printer_add(printer, ")");
    return true;
}

static bool is_zero(const struct reader *reader, uint64_t delta)
{
    uint64_t days, seconds, microsecond;

    return delta && read_field(reader, delta, PyDateTime_Delta_days, &days) && !days &&
           read_field(reader, delta, PyDateTime_Delta_seconds, &seconds) && !seconds &&
           read_field(reader, delta, PyDateTime_Delta_microseconds, &microsecond) && !microsecond;
}

/* There is but one without a name and an offset: new_timezone() sees to it. */
static bool timezone_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t offset = read_pointer(printer->reader, address, PyDateTime_TimeZone_offset);
    uint64_t name = read_pointer(printer->reader, address, PyDateTime_TimeZone_name);

    if (!offset)
        return false;
    if (!name && is_zero(printer->reader, offset)) {
        printer_add(printer, "datetime.timezone.utc");
        return true;
    }
    printer_add_tp_name(printer, type, 256);
    printer_add(printer, "(");
    printer_object(printer, offset);
    if (name) {
        printer_add(printer, ", ");
        printer_object(printer, name);
    }
    printer_add(printer, ")");
    return true;
}

static void datetime_references(const struct reader *reader, const struct type *type,
                                uint64_t address, struct references *references)
{
    (void)type;
    reference_owned(
        references,
        tzinfo_of(reader, address, PyDateTime_DateTime_hastzinfo, PyDateTime_DateTime_tzinfo),
        "tzinfo");
}

static void time_references(const struct reader *reader, const struct type *type, uint64_t address,
                            struct references *references)
{
    (void)type;
    reference_owned(references,
                    tzinfo_of(reader, address, PyDateTime_Time_hastzinfo, PyDateTime_Time_tzinfo),
                    "tzinfo");
}

static void tell_ttinfo(const struct reader *reader, uint64_t ttinfo, struct references *references)
{
    reference_owned(references, read_pointer(reader, ttinfo, ttinfo_utcoff), "utcoff");
    reference_owned(references, read_pointer(reader, ttinfo, ttinfo_dstoff), "dstoff");
    reference_owned(references, read_pointer(reader, ttinfo, ttinfo_tzname), "tzname");
}

static void zoneinfo_references(const struct reader *reader, const struct type *type,
                                uint64_t address, struct references *references)
{
    const struct layout *layout = &reader->python->layout;
    uint64_t ttinfos = read_pointer(reader, address, PyZoneInfo_ZoneInfo_ttinfos), count;
    uint64_t rule = field_address(reader, address, PyZoneInfo_ZoneInfo_tzrule_after);

    (void)type;
    if (!layout_has(layout, sizeof_ttinfo))
        return;
    if (read_field(reader, address, PyZoneInfo_ZoneInfo_num_ttinfos, &count) &&
        count <= MOST_TTINFOS && ttinfos) {
        for (uint64_t i = 0; i < count && !references->ended; i++)
            tell_ttinfo(reader, ttinfos + i * layout_size(layout, sizeof_ttinfo), references);
    }
    if (rule && reader_has(reader, tzrule_dst)) {
        tell_ttinfo(reader, field_address(reader, rule, tzrule_std), references);
        tell_ttinfo(reader, field_address(reader, rule, tzrule_dst), references);
    }
}

static bool zoneinfo_print(struct printer *printer, const struct type *type, uint64_t address)
{
    uint64_t key = read_pointer(printer->reader, address, PyZoneInfo_ZoneInfo_key);
    uint64_t file = read_pointer(printer->reader, address, PyZoneInfo_ZoneInfo_file_repr);
    const struct type *key_type = key ? reader_type_of(printer->reader, key) : NULL;
    bool has_key = key_type && key_type->flags & TPFLAGS_UNICODE_SUBCLASS;

    if (!has_key && !file)
        return false;
    printer_add_utf8(printer, type->name, type->name_length);
    printer_add(printer, has_key ? "(key=" : ".from_file(");
    if (has_key)
        printer_object(printer, key);
    else
        printer_add_str(printer, file);
    printer_add(printer, ")");
    return true;
}

static const struct kind_field timezone_fields[] = {
    {"offset", PyDateTime_TimeZone_offset, true},
    {"name", PyDateTime_TimeZone_name, true},
    {.name = NULL},
};

static const struct kind_field zoneinfo_fields[] = {
    {"key", PyZoneInfo_ZoneInfo_key, false},
    {"file_repr", PyZoneInfo_ZoneInfo_file_repr, true},
    {.name = NULL},
};

const struct kind datetime_kinds[] = {
    {.type = "datetime.timedelta", .structure = sizeof_PyDateTime_Delta, .print = timedelta_print},
    {.type = "datetime.date", .structure = sizeof_PyDateTime_Date, .print = date_print},
    {.type = "datetime.datetime",
     .structure = sizeof_PyDateTime_DateTime,
     .references = datetime_references,
     .print = datetime_print},
    {.type = "datetime.time",
     .structure = sizeof_PyDateTime_Time,
     .references = time_references,
     .print = time_print},
    {.type = "datetime.tzinfo", .structure = sizeof_PyObject},
    {.type = "datetime.timezone",
     .structure = sizeof_PyDateTime_TimeZone,
     .fields = timezone_fields,
     .print = timezone_print},
    {.type = "zoneinfo.ZoneInfo",
     .structure = sizeof_PyZoneInfo_ZoneInfo,
     .fields = zoneinfo_fields,
     .references = zoneinfo_references,
     .print = zoneinfo_print},
    {.type = NULL},
};

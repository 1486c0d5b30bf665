// SPDX-License-Identifier: MIT
#include "symbols/elf_file.h"

#include <errno.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINK_MAX = 64 << 10,
    NOTE_MAX = 1 << 20,
    NOTES_MAX = 64, /* so many are looked at */
};

struct segment {
    uint64_t offset; /* in the file */
    uint64_t address;
    uint64_t file_size;
    uint64_t memory_size;
    uint32_t flags;
};

struct elf_file {
    int fd;
    char *path;
    uint64_t size;
    Elf *elf;
    struct segment *segments; /* PT_LOAD only */
    size_t segment_count;
    uint64_t moved;
    struct build_id build_id;
};

static bool read_fully(int fd, uint64_t offset, void *bytes, size_t size)
{
    unsigned char *at = bytes;

    while (size) {
        ssize_t got = pread(fd, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

/* From 0xff00 sections on, e_shnum is 0 and the first section tells their number. */
static bool has_too_many_parts(const struct elf_file *file, const Elf64_Ehdr *header)
{
    Elf64_Shdr first;

    if (header->e_phnum == PN_XNUM)
        return true;
    return header->e_shnum == 0 && header->e_shoff != 0 && header->e_shoff <= INT64_MAX &&
           read_fully(file->fd, header->e_shoff, &first, sizeof(first)) &&
           first.sh_size > UINT16_MAX;
}

/* Before libelf sees the file: it allocates what the header tells it to. */
static bool check_header(const struct elf_file *file, struct error *err)
{
    Elf64_Ehdr header = {0};

    if (pread(file->fd, &header, sizeof(header), 0) < EI_NIDENT ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return error_set(err, ERROR_PYTHON, "%s: this is not an ELF file", file->path);
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
        return error_set(err, ERROR_PYTHON,
                         "%s: only 64-bit little-endian ELF files can be read, and this is none",
                         file->path);
    if (has_too_many_parts(file, &header))
        return error_set(err, ERROR_PYTHON,
                         "%s: the ELF header is damaged: it tells of more than %u sections or "
                         "segments",
                         file->path, UINT16_MAX);
    return true;
}

static bool is_held(const struct elf_file *file, const GElf_Shdr *header, uint64_t most)
{
    return header->sh_type != SHT_NOBITS && header->sh_size <= most &&
           header->sh_offset <= file->size && header->sh_size <= file->size - header->sh_offset;
}

/* elf_strptr reads that table whole, and decompresses it. */
static bool check_section_names(const struct elf_file *file, struct error *err)
{
    GElf_Shdr header;
    size_t index;

    if (elf_getshdrstrndx(file->elf, &index) != 0 ||
        !gelf_getshdr(elf_getscn(file->elf, index), &header) || header.sh_type != SHT_STRTAB)
        return true; /* no section has a name */
    if (!is_held(file, &header, ELF_TABLE_MAX) || header.sh_flags & SHF_COMPRESSED)
        return error_set(err, ERROR_PYTHON,
                         "%s: the names of the ELF sections cannot be read: %" PRIu64
                         " bytes at %" PRIu64,
                         file->path, header.sh_size, header.sh_offset);
    return true;
}

static bool open_elf(struct elf_file *file, struct error *err)
{
    GElf_Ehdr header;
    struct stat status;

    if (fstat(file->fd, &status) != 0)
        return error_errno(err, ERROR_SYSTEM, "cannot tell the size of %s", file->path);
    file->size = (uint64_t)status.st_size;
    if (!check_header(file, err))
        return false;
    elf_version(EV_CURRENT);
    file->elf = elf_begin(file->fd, ELF_C_READ, NULL);
    if (elf_kind(file->elf) != ELF_K_ELF || !gelf_getehdr(file->elf, &header))
        return error_set(err, ERROR_PYTHON, "%s: the ELF header is damaged: %s", file->path,
                         elf_errmsg(-1));
    return check_section_names(file, err);
}

static bool read_segments(struct elf_file *file, struct error *err)
{
    size_t count;

    if (elf_getphdrnum(file->elf, &count) != 0)
        return error_set(err, ERROR_PYTHON, "%s: the ELF program headers are damaged: %s",
                         file->path, elf_errmsg(-1));
    if (!count)
        return true;
    file->segments = calloc(count, sizeof(*file->segments));
    if (!file->segments)
        return error_memory(err);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(file->elf, (int)i, &header) || header.p_type != PT_LOAD)
            continue;
        file->segments[file->segment_count++] = (struct segment){
            .offset = header.p_offset,
            .address = header.p_vaddr,
            .file_size = header.p_filesz < header.p_memsz ? header.p_filesz : header.p_memsz,
            .memory_size = header.p_memsz,
            .flags = header.p_flags,
        };
    }
    return true;
}

static bool find_build_id(struct elf_file *file, Elf_Data *data)
{
    GElf_Nhdr note;
    size_t name, content;

    if (!data || !data->d_buf)
        return false;
    for (size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &content)) > 0;) {
        const char *bytes = data->d_buf;
        if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
            memcmp(bytes + name, "GNU", 4) != 0)
            continue;
        if (note.n_descsz == 0 || note.n_descsz > BUILD_ID_MAX)
            continue;
        memcpy(file->build_id.bytes, bytes + content, note.n_descsz);
        file->build_id.size = note.n_descsz;
        return true;
    }
    return false;
}

/* Sections first: in a file of debug information the segments may have lost their content. */
static void read_build_id(struct elf_file *file)
{
    Elf_Scn *section = NULL;
    size_t count, notes = 0;

    while ((section = elf_nextscn(file->elf, section)) && notes < NOTES_MAX) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
            continue;
        notes++;
        if (find_build_id(file, elf_file_content(file, section, NOTE_MAX)))
            return;
    }
    if (elf_getphdrnum(file->elf, &count) != 0)
        return;
    notes = 0;
    for (size_t i = 0; i < count && notes < NOTES_MAX; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(file->elf, (int)i, &header) || header.p_type != PT_NOTE ||
            header.p_offset > INT64_MAX || header.p_filesz > NOTE_MAX)
            continue;
        notes++;
        Elf_Type type = header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;
        if (find_build_id(file, elf_getdata_rawchunk(file->elf, (int64_t)header.p_offset,
                                                     header.p_filesz, type)))
            return;
    }
}

bool elf_file_open(struct elf_file **ret, int fd, const char *path, struct error *err)
{
    struct elf_file *file = calloc(1, sizeof(*file));

    if (!file) {
        close(fd);
        return error_memory(err);
    }
    file->fd = fd;
    file->path = strdup(path);
    if (!file->path) {
        elf_file_close(file);
        return error_memory(err);
    }
    if (!open_elf(file, err) || !read_segments(file, err)) {
        elf_file_close(file);
        return false;
    }
    read_build_id(file);
    *ret = file;
    return true;
}

void elf_file_close(struct elf_file *file)
{
    if (!file)
        return;
    elf_end(file->elf);
    close(file->fd);
    free(file->segments);
    free(file->path);
    free(file);
}

const char *elf_file_path(const struct elf_file *file)
{
    return file->path;
}

Elf *elf_file_elf(struct elf_file *file)
{
    return file->elf;
}

const struct build_id *elf_file_build_id(const struct elf_file *file)
{
    return &file->build_id;
}

const char *build_id_print(char text[BUILD_ID_TEXT], const struct build_id *id)
{
    text[0] = '\0';
    for (uint32_t i = 0; i < id->size && i < BUILD_ID_MAX; i++)
        snprintf(text + 2 * (size_t)i, 3, "%02x", id->bytes[i]);
    return text;
}

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
    return a->size && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* The next section of that name after `section`, which may be NULL. */
static Elf_Scn *next_named(struct elf_file *file, Elf_Scn *section, const char *name,
                           GElf_Shdr *header)
{
    size_t names;

    if (elf_getshdrstrndx(file->elf, &names) != 0)
        return NULL;
    while ((section = elf_nextscn(file->elf, section))) {
        const char *its_name;
        if (gelf_getshdr(section, header) &&
            (its_name = elf_strptr(file->elf, names, header->sh_name)) &&
            strcmp(its_name, name) == 0)
            return section;
    }
    return NULL;
}

static Elf_Scn *section_named(struct elf_file *file, const char *name, GElf_Shdr *header)
{
    Elf_Scn *section = NULL, *empty = NULL;

    while ((section = next_named(file, section, name, header))) {
        if (header->sh_type != SHT_NOBITS)
            return section;
        if (!empty)
            empty = section;
    }
    return empty && gelf_getshdr(empty, header) ? empty : NULL;
}

Elf_Data *elf_file_content(struct elf_file *file, Elf_Scn *section, uint64_t most)
{
    GElf_Shdr header;

    if (!gelf_getshdr(section, &header) || !is_held(file, &header, most))
        return NULL;
    return elf_getdata(section, NULL);
}

/* The content of a section that begins with a string; *length is that string's. */
static const char *section_text(struct elf_file *file, const char *name, size_t *length,
                                size_t *size)
{
    GElf_Shdr header;
    Elf_Scn *section = section_named(file, name, &header);
    Elf_Data *data = section ? elf_file_content(file, section, LINK_MAX) : NULL;

    if (!data || !data->d_buf)
        return NULL;
    *size = data->d_size;
    *length = strnlen(data->d_buf, data->d_size);
    return *length && *length < *size ? data->d_buf : NULL;
}

const char *elf_file_debuglink(struct elf_file *file, uint32_t *crc)
{
    size_t length, size;
    const char *name = section_text(file, ".gnu_debuglink", &length, &size);

    if (!name)
        return NULL;
    size_t at = (length + 4) / 4 * 4; /* the CRC is aligned after the name's NUL */
    if (at > size || size - at < sizeof(*crc))
        return NULL;
    memcpy(crc, name + at, sizeof(*crc));
    return name;
}

bool elf_file_debugaltlink(struct elf_file *file, struct elf_altlink *ret, struct error *err)
{
    static const char section_name[] = ".gnu_debugaltlink";
    GElf_Shdr header;
    Elf_Scn *section = next_named(file, NULL, section_name, &header);
    size_t length, size;

    if (!section) {
        *ret = (struct elf_altlink){0};
        return true;
    }
    if (next_named(file, section, section_name, &header))
        return error_set(err, ERROR_PYTHON,
                         "%s: the debug information is damaged: there are several sections %s",
                         file->path, section_name);
    const char *path = section_text(file, section_name, &length, &size);
    if (!path || size == length + 1 || size - length - 1 > BUILD_ID_MAX)
        return error_set(err, ERROR_PYTHON,
                         "%s: the debug information is damaged: the section %s cannot be read",
                         file->path, section_name);
    *ret = (struct elf_altlink){.path = path, .build_id.size = (uint32_t)(size - length - 1)};
    memcpy(ret->build_id.bytes, path + length + 1, size - length - 1);
    return true;
}

static bool has_content(struct elf_file *file, const char *name)
{
    GElf_Shdr header;

    return section_named(file, name, &header) && header.sh_type != SHT_NOBITS && header.sh_size > 0;
}

bool elf_file_has_debug_info(struct elf_file *file)
{
    return has_content(file, ".debug_info") || has_content(file, ".zdebug_info");
}

bool elf_file_section(struct elf_file *file, const char *name, struct elf_place *ret)
{
    GElf_Shdr header;

    if (!section_named(file, name, &header) || !(header.sh_flags & SHF_ALLOC))
        return false;
    *ret = (struct elf_place){.address = header.sh_addr, .size = header.sh_size};
    return true;
}

/*
 * A mapping starts at the page that holds the segment's start. Where a page of the file belongs to
 * the end of one segment and to the start of another, it is the start that is meant.
 */
bool elf_file_bias(const struct elf_file *file, uint64_t offset, uint64_t mapped,
                   uint64_t *ret_bias)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const struct segment *covering = NULL;

    for (size_t i = 0; i < file->segment_count; i++) {
        const struct segment *segment = &file->segments[i];
        uint64_t start = segment->offset / page * page;
        uint64_t end;

        if (__builtin_add_overflow(segment->offset, segment->file_size, &end))
            continue;
        if (offset == start) {
            covering = segment;
            break;
        }
        if (!covering && offset > start && offset < end)
            covering = segment;
    }
    if (!covering)
        return false;
    *ret_bias = mapped - offset + covering->offset - covering->address;
    return true;
}

bool elf_file_segment(const struct elf_file *file, size_t index, struct elf_segment *ret)
{
    if (index >= file->segment_count)
        return false;
    const struct segment *segment = &file->segments[index];
    *ret = (struct elf_segment){
        .address = segment->address,
        .file_size = segment->file_size,
        .memory_size = segment->memory_size,
        .flags = segment->flags,
    };
    return true;
}

bool elf_file_dynamic(const struct elf_file *file, struct elf_place *ret)
{
    GElf_Phdr header;
    size_t count;

    if (elf_getphdrnum(file->elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!gelf_getphdr(file->elf, (int)i, &header) || header.p_type != PT_DYNAMIC)
            continue;
        *ret = (struct elf_place){.address = header.p_vaddr, .size = header.p_memsz};
        return true;
    }
    return false;
}

void elf_file_set_moved(struct elf_file *file, uint64_t moved)
{
    file->moved = moved;
}

uint64_t elf_file_moved(const struct elf_file *file)
{
    return file->moved;
}

bool elf_file_read(const struct elf_file *file, uint64_t address, void *bytes, size_t size)
{
    for (size_t i = 0; i < file->segment_count; i++) {
        const struct segment *segment = &file->segments[i];
        uint64_t at = address - segment->address;
        uint64_t from;

        if (address < segment->address || at > segment->memory_size ||
            segment->memory_size - at < size)
            continue;
        size_t held = at >= segment->file_size ? 0 : (size_t)(segment->file_size - at);
        if (held > size)
            held = size;
        if (held && (__builtin_add_overflow(segment->offset, at, &from) || from > INT64_MAX ||
                     !read_fully(file->fd, from, bytes, held)))
            return false;
        memset((unsigned char *)bytes + held, 0, size - held);
        return true;
    }
    return false;
}

// SPDX-License-Identifier: MIT
/* What wraps a library (zlib, bz2, lzma, zstd, OpenSSL, curses), and the codecs of East Asia. */
#include "inspector/python/kind.h"

enum { LEAST_OBJECT = 4096 };

/* `errors` is a small number for the handlers that the codecs know themselves. */
static void tell_errors(const struct reader *reader, uint64_t address, enum layout_slot_id field,
                        struct references *references)
{
    uint64_t errors = read_pointer(reader, address, field);

    if (errors >= LEAST_OBJECT)
        reference_field(references, errors, "errors");
}

static void encoder_references(const struct reader *reader, const struct type *type,
                               uint64_t address, struct references *references)
{
    (void)type;
    tell_errors(reader, address, MultibyteIncrementalEncoderObject_errors, references);
}

static void decoder_references(const struct reader *reader, const struct type *type,
                               uint64_t address, struct references *references)
{
    (void)type;
    tell_errors(reader, address, MultibyteIncrementalDecoderObject_errors, references);
}

static void stream_reader_references(const struct reader *reader, const struct type *type,
                                     uint64_t address, struct references *references)
{
    (void)type;
    tell_errors(reader, address, MultibyteStreamReaderObject_errors, references);
}

static void stream_writer_references(const struct reader *reader, const struct type *type,
                                     uint64_t address, struct references *references)
{
    (void)type;
    tell_errors(reader, address, MultibyteStreamWriterObject_errors, references);
}

static const struct kind_field zlib_fields[] = {
    {"unused_data", compobject_unused_data, true},
    {"unconsumed_tail", compobject_unconsumed_tail, true},
    {"zdict", compobject_zdict, false},
    {.name = NULL},
};

static const struct kind_field zlib_decompressor_fields[] = {
    {"unused_data", ZlibDecompressor_unused_data, true},
    {"zdict", ZlibDecompressor_zdict, false},
    {.name = NULL},
};

static const struct kind_field bz2_decompressor_fields[] = {
    {"unused_data", BZ2Decompressor_unused_data, true},
    {.name = NULL},
};

static const struct kind_field lzma_decompressor_fields[] = {
    {"unused_data", lzma_Decompressor_unused_data, true},
    {.name = NULL},
};

static const struct kind_field zstd_compressor_fields[] = {
    {"dict", ZstdCompressor_dict, false},
    {.name = NULL},
};

static const struct kind_field zstd_decompressor_fields[] = {
    {"dict", ZstdDecompressor_dict, false},
    {"unused_data", ZstdDecompressor_unused_data, true},
    {.name = NULL},
};

static const struct kind_field zstd_dict_fields[] = {
    {"c_dicts", ZstdDict_c_dicts, false},
    {.name = NULL},
};

static const struct kind_field hash_fields[] = {
    {"name", EVPobject_name, true},
    {.name = NULL},
};

static const struct kind_field ssl_context_fields[] = {
    {"set_sni_cb", PySSLContext_set_sni_cb, false},
    {"msg_cb", PySSLContext_msg_cb, false},
    {"keylog_filename", PySSLContext_keylog_filename, true},
    {"psk_client_callback", PySSLContext_psk_client_callback, true},
    {"psk_server_callback", PySSLContext_psk_server_callback, true},
    {.name = NULL},
};

static const struct kind_field ssl_socket_fields[] = {
    {"Socket", PySSLSocket_Socket, true},
    {"ctx", PySSLSocket_ctx, true},
    {"owner", PySSLSocket_owner, true},
    {"server_hostname", PySSLSocket_server_hostname, true},
    {"exc_type", PySSLSocket_exc_type, false},
    {"exc_value", PySSLSocket_exc_value, false},
    {"exc_tb", PySSLSocket_exc_tb, false},
    {"exc", PySSLSocket_exc, false},
    {.name = NULL},
};

static const struct kind_field ssl_session_fields[] = {
    {"ctx", PySSLSession_ctx, false},
    {.name = NULL},
};

static const struct kind_field curses_window_fields[] = {
    {"orig", PyCursesWindowObject_orig, false},
    {.name = NULL},
};

static const struct kind_field curses_panel_fields[] = {
    {"wo", PyCursesPanelObject_wo, true},
    {.name = NULL},
};

static const struct kind_field multibyte_fields[] = {
    {"cjk_module", MultibyteCodecObject_cjk_module, false},
    {.name = NULL},
};

static const struct kind_field multibyte_encoder_fields[] = {
    {"pending", MultibyteIncrementalEncoderObject_pending, true},
    {.name = NULL},
};

static const struct kind_field multibyte_reader_fields[] = {
    {"stream", MultibyteStreamReaderObject_stream, false},
    {.name = NULL},
};

static const struct kind_field multibyte_writer_fields[] = {
    {"stream", MultibyteStreamWriterObject_stream, false},
    {"pending", MultibyteStreamWriterObject_pending, true},
    {.name = NULL},
};

const struct kind codec_kinds[] = {
    {.type = "zlib.Compress", .structure = sizeof_compobject, .fields = zlib_fields},
    {.type = "zlib.Decompress", .structure = sizeof_compobject, .fields = zlib_fields},
    {.type = "zlib._ZlibDecompressor",
     .structure = sizeof_ZlibDecompressor,
     .fields = zlib_decompressor_fields},
    {.type = "_bz2.BZ2Compressor", .structure = sizeof_BZ2Compressor},
    {.type = "_bz2.BZ2Decompressor",
     .structure = sizeof_BZ2Decompressor,
     .fields = bz2_decompressor_fields},
    {.type = "_lzma.LZMACompressor", .structure = sizeof_lzma_Compressor},
    {.type = "_lzma.LZMADecompressor",
     .structure = sizeof_lzma_Decompressor,
     .fields = lzma_decompressor_fields},
    {.type = "compression.zstd.ZstdCompressor",
     .structure = sizeof_ZstdCompressor,
     .fields = zstd_compressor_fields},
    {.type = "compression.zstd.ZstdDecompressor",
     .structure = sizeof_ZstdDecompressor,
     .fields = zstd_decompressor_fields},
    {.type = "compression.zstd.ZstdDict", .structure = sizeof_ZstdDict, .fields = zstd_dict_fields},
    {.type = "_hashlib.HASH", .structure = sizeof_EVPobject, .fields = hash_fields},
    {.type = "_hashlib.HMAC", .structure = sizeof_HMACobject},
    {.type = "_ssl._SSLContext", .structure = sizeof_PySSLContext, .fields = ssl_context_fields},
    {.type = "_ssl._SSLSocket", .structure = sizeof_PySSLSocket, .fields = ssl_socket_fields},
    {.type = "_ssl.MemoryBIO", .structure = sizeof_PySSLMemoryBIO},
    {.type = "_ssl.Session", .structure = sizeof_PySSLSession, .fields = ssl_session_fields},
    {.type = "_ssl.SSLSession", .structure = sizeof_PySSLSession, .fields = ssl_session_fields},
    {.type = "_curses.window",
     .structure = sizeof_PyCursesWindowObject,
     .fields = curses_window_fields},
    {.type = "_curses.curses window",
     .structure = sizeof_PyCursesWindowObject,
     .fields = curses_window_fields},
    {.type = "curses window",
     .structure = sizeof_PyCursesWindowObject,
     .fields = curses_window_fields},
    {.type = "_curses_panel.panel",
     .structure = sizeof_PyCursesPanelObject,
     .fields = curses_panel_fields},
    {.type = "_curses_panel.curses panel",
     .structure = sizeof_PyCursesPanelObject,
     .fields = curses_panel_fields},
    {.type = "_multibytecodec.MultibyteCodec",
     .structure = sizeof_MultibyteCodecObject,
     .fields = multibyte_fields},
    {.type = "MultibyteCodec",
     .structure = sizeof_MultibyteCodecObject,
     .fields = multibyte_fields},
    {.type = "_multibytecodec.MultibyteIncrementalEncoder",
     .structure = sizeof_MultibyteIncrementalEncoderObject,
     .fields = multibyte_encoder_fields,
     .references = encoder_references,
     .hides_type = true},
    {.type = "MultibyteIncrementalEncoder",
     .structure = sizeof_MultibyteIncrementalEncoderObject,
     .fields = multibyte_encoder_fields,
     .references = encoder_references,
     .hides_type = true},
    {.type = "_multibytecodec.MultibyteIncrementalDecoder",
     .structure = sizeof_MultibyteIncrementalDecoderObject,
     .references = decoder_references},
    {.type = "MultibyteIncrementalDecoder",
     .structure = sizeof_MultibyteIncrementalDecoderObject,
     .references = decoder_references},
    {.type = "_multibytecodec.MultibyteStreamReader",
     .structure = sizeof_MultibyteStreamReaderObject,
     .fields = multibyte_reader_fields,
     .references = stream_reader_references},
    {.type = "MultibyteStreamReader",
     .structure = sizeof_MultibyteStreamReaderObject,
     .fields = multibyte_reader_fields,
     .references = stream_reader_references},
    {.type = "_multibytecodec.MultibyteStreamWriter",
     .structure = sizeof_MultibyteStreamWriterObject,
     .fields = multibyte_writer_fields,
     .references = stream_writer_references},
    {.type = "MultibyteStreamWriter",
     .structure = sizeof_MultibyteStreamWriterObject,
     .fields = multibyte_writer_fields,
     .references = stream_writer_references},
    /* These refer to nothing. */
    {.type = "_md5.md5", .structure = sizeof_PyObject},
    {.type = "_sha1.sha1", .structure = sizeof_PyObject},
    {.type = "_sha256.sha224", .structure = sizeof_PyObject},
    {.type = "_sha256.sha256", .structure = sizeof_PyObject},
    {.type = "_sha512.sha384", .structure = sizeof_PyObject},
    {.type = "_sha512.sha512", .structure = sizeof_PyObject},
    {.type = "_sha2.SHA224Type", .structure = sizeof_PyObject},
    {.type = "_sha2.SHA256Type", .structure = sizeof_PyObject},
    {.type = "_sha2.SHA384Type", .structure = sizeof_PyObject},
    {.type = "_sha2.SHA512Type", .structure = sizeof_PyObject},
    {.type = "_sha3.sha3_224", .structure = sizeof_PyObject},
    {.type = "_sha3.sha3_256", .structure = sizeof_PyObject},
    {.type = "_sha3.sha3_384", .structure = sizeof_PyObject},
    {.type = "_sha3.sha3_512", .structure = sizeof_PyObject},
    {.type = "_sha3.shake_128", .structure = sizeof_PyObject},
    {.type = "_sha3.shake_256", .structure = sizeof_PyObject},
    {.type = "_blake2.blake2b", .structure = sizeof_PyObject},
    {.type = "_blake2.blake2s", .structure = sizeof_PyObject},
    {.type = "_hmac.HMAC", .structure = sizeof_PyObject},
    {.type = NULL},
};

// SPDX-License-Identifier: MIT
/* A program of another name that embeds Python, and takes the command line that python takes. */
#include <Python.h>

int main(int argc, char **argv)
{
#if PY_VERSION_HEX >= 0x03080000
    return Py_BytesMain(argc, argv);
#else
    wchar_t *words[64];

    for (int i = 0; i < argc && i < 64; i++) {
        words[i] = Py_DecodeLocale(argv[i], NULL);
        if (!words[i])
            return 1;
    }
    return Py_Main(argc < 64 ? argc : 64, words);
#endif
}

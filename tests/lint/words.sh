#!/bin/sh
# SPDX-License-Identifier: MIT
#
# words.sh [BINARY] - what may be named only in its own place, or nowhere.
#
# Comments do not count in C files. BINARY's imports are looked at too, if it exists.
set -eu

status=0

# shellcheck disable=SC2016 # the program's words, not the shell's
find inspector symbols -name '*.[ch]' | sort | xargs perl -0777 -ne '
    my ($file, $code) = ($ARGV, $_);
    # A comment becomes its own line ends, so that line numbers stay; a string stays.
    $code =~ s{("(?:\\.|[^"\\])*"|\x27(?:\\.|[^\x27\\])*\x27)|(/\*.*?\*/|//[^\n]*)}
              { defined $1 ? $1 : "\n" x ($2 =~ tr/\n//) }gse;
    sub forbid {
        my ($pattern, $why) = @_;
        while ($code =~ /$pattern/g) {
            my $line = 1 + (substr($code, 0, $-[0]) =~ tr/\n//);
            print "$file:$line: $&: $why\n";
            $wrong = 1;
        }
    }
    forbid(qr/\b(stderr|STDERR_FILENO|perror)\b/, "only inspector/main.c writes to it")
        if $file ne "inspector/main.c";
    forbid(qr/(\b|_)ptrace\b|\bPTRACE_\w*/, "only inspector/target/ traces")
        if $file !~ m{^inspector/target/};
    forbid(qr/\bPTRACE_(POKE|SET)\w*|\w*process_vm_writev/, "nothing writes into a target");
    forbid(qr/\bO_(RDWR|WRONLY)\b|\bp?write(v|v2|64)?\s*\(|\bf(d|re)?open\b/,
           "a file that opens /proc/PID/mem only reads")
        if $code =~ m{/mem"|"mem"};
    END { exit($wrong ? 1 : 0) }
' || status=1

if [ -e "${1:-}" ] && nm -u "$1" | grep -E 'process_vm_writev|ptrace_?poke'; then
    echo "$1: imports what writes into a target"
    status=1
fi

# The tree holds for every machine: no package registry's host, nobody's home.
hosts='(deb|ftp|snapshot|security)[.]debian[.]org'
hosts="$hosts|(pypi|pythonhosted|anaconda|npmjs|crates|rubygems|golang|docker)[.](org|io|com)"
if git rev-parse --git-dir >/dev/null 2>&1; then
    if git grep -nIE --untracked "$hosts|(^|[^A-Za-z0-9_}])/(home|root|Users)/[A-Za-z0-9]" -- .; then
        echo "the lines above name a registry's host or a home directory"
        status=1
    fi
else
    echo "lint: words: not a git checkout, so hosts and home directories are not looked for"
fi

[ $status = 0 ] && echo "lint: words: ok"
exit $status

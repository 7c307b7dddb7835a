#!/bin/sh
# Make .venv with a Python >= 3.11 that has pip, from whatever this machine offers; one sentence when it cannot.
set -u

say() { # Chinese, English
    case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
        en*) echo "$2" >&2 ;;
        *) echo "$1" >&2 ;;
    esac
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

has_pip() { .venv/bin/python -m pip --version >/dev/null 2>&1; }

python=
for candidate in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do
    if new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    say "需要 Python 3.11 或更高版本（当前：$(python3 --version 2>&1)）：请安装后重试，或用 make PYTHON=路径 指定。" \
        "Python 3.11 or newer is needed (found: $(python3 --version 2>&1)): install it, or name it with make PYTHON=path."
    exit 1
fi

plain() { "$python" -m venv --clear .venv; }
borrowed() { "$python" -m venv --clear --without-pip .venv && "$python" -m pip --python .venv/bin/python install -q pip; }
virtualenv() { "$python" -m virtualenv -q --clear .venv; }

# Debian and Ubuntu keep a part of Python's venv in a package of its own.
package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
from_debian() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    say "正在安装系统软件包 $package……" "Installing the system package $package ..."
    { apt-get install -y -q "$package" || { apt-get update -q && apt-get install -y -q "$package"; }; } && plain
}

for way in plain borrowed virtualenv from_debian; do
    if $way >.venv.log 2>&1 && has_pip; then
        rm -f .venv.log
        exit 0
    fi
done
rm -rf .venv # half an environment would pass for a whole one next time
if ! [ -w . ]; then
    say "目录 $(pwd) 无法写入：请修改权限或换一个目录。" "Folder $(pwd) cannot be written: change its permissions or use another."
else
    say "无法创建 Python 虚拟环境：请先安装 venv（Debian/Ubuntu：sudo apt install $package），再重试；详情见 .venv.log。" \
        "No Python environment could be made: install venv first (Debian/Ubuntu: sudo apt install $package); see .venv.log."
fi
exit 1

# Vim for terminals. It builds in its source.

. /usr/share/repro/cross.sh
flags vim
cp -Rp /src/vim /build/vim
cd /build/vim/src

echo "== configure"
# What it would try out on the target, and look up on this machine.
export vim_cv_bcopy_handles_overlap=yes vim_cv_getcwd_broken=no vim_cv_memcpy_handles_overlap=no \
    vim_cv_memmove_handles_overlap=yes vim_cv_stat_ignores_slash=no vim_cv_terminfo=yes vim_cv_tgetent=zero \
    vim_cv_timer_create=yes vim_cv_timer_create_with_lrt=no vim_cv_toupper_broken=no vim_cv_uname_m_output="$arch" \
    vim_cv_uname_output=Linux vim_cv_uname_r_output=unknown
./configure --build="$build" --host="$target" --prefix=/usr --with-features=normal --with-tlib=ncurses --with-compiledby=repro \
    --without-x --without-local-dir --enable-gui=no --disable-acl --disable-canberra --disable-gpm \
    --disable-libsodium --disable-nls --disable-selinux --disable-smack --disable-sysmouse --enable-multibyte
grep -q '^#define TERMINFO 1' auto/config.h

echo "== make"
# `:version` would tell how the compiler was called here.
make auto/pathdef.c
sed -i -E 's/^(char_u \*all_[cl]flags = \(char_u \*\)").*/\1";/' auto/pathdef.c
[ "$(grep -c '_u \*all_[cl]flags = (char_u \*)"";$' auto/pathdef.c)" = 2 ]
make vim

echo "== install"
make DESTDIR=/out/run STRIP=: installvimbin installrtbase
for name in ex view vi; do ln -s vim "/out/run/usr/bin/$name"; done
# The manual, and scripts that would generate parts of it.
rm -rf /out/run/usr/share/vim/vim90/doc
find /out/run/usr/share/vim -name tools -type d -exec rm -r {} +
find /out/run/usr/share/vim -type f -exec chmod a-x {} +
finish

echo "== check"
"$READELF" -d /out/run/usr/bin/vim | grep -F NEEDED | grep -qF libncursesw.so.6 ||
    { echo "vim: not linked with ncurses" >&2; exit 1; }
export VIMRUNTIME=/out/run/usr/share/vim/vim90 TERM=dumb
printf 'three\none\ntwo\n' >text
try /out/run/usr/bin/vim -u NONE -es -c 'sort' -c '%s/\v(t)(w|h)/\U\1\2/' -c 'let &l:ff = "unix"' -c 'wq' text </dev/null
[ "$(tr '\n' ' ' <text)" = "one THree TWo " ] || { cat text; echo "vim: a text is not edited" >&2; exit 1; }

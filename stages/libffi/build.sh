# libffi.

. /usr/share/repro/cross.sh
flags libffi

echo "== configure"
autotools libffi --disable-dependency-tracking --disable-docs --disable-multi-os-directory

echo "== make"
# Nothing of its tests.
make SUBDIRS=include

echo "== install"
make SUBDIRS=include DESTDIR=/out/dev install
rm -rf /out/dev/usr/share
mkdir -p /out/run/usr/lib
cp -P /out/dev/usr/lib/libffi.so.8* /out/run/usr/lib/
finish
cp -P /out/run/usr/lib/libffi.so.8* /out/dev/usr/lib/

echo "== check"
cat >t.c <<'END'
#include <ffi.h>
static double mix(int a, double b, long c) { return a + b * c; }
static void twice(ffi_cif *cif, void *result, void **arguments, void *data) {
    *(ffi_arg *)result = 2 * *(int *)arguments[0] + *(int *)data;
}
int main(void) {
    ffi_cif cif;
    ffi_type *types[] = {&ffi_type_sint, &ffi_type_double, &ffi_type_slong};
    int a = 1, offset = 5;
    double b = 2.5, result;
    long c = 4;
    void *values[] = {&a, &b, &c}, *code;
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 3, &ffi_type_double, types) != FFI_OK) return 1;
    ffi_call(&cif, FFI_FN(mix), &result, values);
    if (result != 11) return 2;
    ffi_closure *closure = ffi_closure_alloc(sizeof *closure, &code);
    if (!closure || ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 1, &ffi_type_sint, types) != FFI_OK) return 3;
    if (ffi_prep_closure_loc(closure, &cif, twice, &offset, code) != FFI_OK) return 4;
    return ((int (*)(int))code)(8) == 21 ? 0 : 5;
}
END
"$CC" $CFLAGS -I/out/dev/usr/include t.c -o t -L/out/dev/usr/lib -lffi
try ./t || { echo "libffi: a call or a closure went wrong" >&2; exit 1; }

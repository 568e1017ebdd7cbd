# Runs by /bin/sh -eu in /build, and leaves its result in /out. It sees `tools` at /, this folder at /stage, and nothing of
# the machine that builds: no network, no user, no clock of its own.

mkdir -p /out/usr/share/hello
echo "Hello. I am the same wherever I was built." >/out/usr/share/hello/hello.txt

/* Does to files and processes what is hard to observe; each line is one of the tests. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void touch(const char *path) { close(open(path, O_CREAT | O_WRONLY, 0644)); }
static void *thread(void *path) { touch(path); return NULL; }
static void reap(pid_t pid) { while (waitpid(pid, NULL, 0) < 0) ; }

int main(void) {
    char *none[] = { NULL };
    struct stat st;
    mkdir("dir", 0755);

    pthread_t threads[8];
    char names[8][64];
    for (int i = 0; i < 8; i++) {
        sprintf(names[i], "/build/dir/thread%d", i);
        pthread_create(&threads[i], NULL, thread, names[i]);
    }
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);

    int dir = open("dir", O_RDONLY | O_DIRECTORY);
    close(openat(dir, "by-descriptor", O_CREAT | O_WRONLY, 0644));
    touch("dir/\xff\xfe");
    syscall(SYS_openat, dir, (char *) 8, O_RDONLY);

    /* A path over a page boundary, and one that ends with its page. */
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 2 * 4096, 4096);
    strcpy(pages + 4096 - 9, "dir/over-a-boundary");
    touch(pages + 4096 - 9);
    strcpy(pages + 2 * 4096 - sizeof "dir/at-the-end", "dir/at-the-end");
    touch(pages + 2 * 4096 - sizeof "dir/at-the-end");

    chdir("dir");
    touch("after-chdir");
    chdir("..");
    fchdir(dir);
    touch("after-fchdir");
    fchdir(dir);
    chdir("/build");
    char link[64];
    sprintf(link, "/proc/self/fd/%d/through-proc", dir);
    touch(link);
    sprintf(link, "/dev/fd/%d", dir);
    stat(link, &st);

    /* A child made by fork has its own working directory. */
    pid_t pid = fork();
    if (!pid) { chdir("dir"); touch("of-child"); _exit(7); }
    reap(pid);
    touch("of-parent");

    pid = vfork();
    if (!pid) { execve("/usr/bin/true", (char *[]) { "vforked", NULL }, none); _exit(1); }
    reap(pid);
    posix_spawn(&pid, "/usr/bin/true", NULL, NULL, (char *[]) { "spawned", NULL }, none);
    reap(pid);
    pid = fork();
    if (!pid) { fexecve(open("/usr/bin/true", O_RDONLY | O_CLOEXEC), (char *[]) { "by-descriptor", NULL }, none); _exit(1); }
    reap(pid);
    pid = fork();
    if (!pid) { syscall(SYS_execveat, open("/usr/bin", O_PATH), "true", (char *[]) { "below", NULL }, none, 0); _exit(1); }
    reap(pid);
    execve("/usr/bin/absent-program", none, none);

    /* A child whose parent has ended before it does anything. The pipes end when nobody has them any more. */
    int ready[2], done[2];
    char c;
    pipe(ready);
    pipe(done);
    pid = fork();
    if (!pid) {
        if (!fork()) { close(ready[1]); read(ready[0], &c, 1); touch("of-orphan"); _exit(3); }
        _exit(0);
    }
    close(ready[0]);
    close(done[1]);
    reap(pid);
    close(ready[1]);
    read(done[0], &c, 1);

    /* Killed in the middle of it, many times: mostly in a call that waits for the observer. */
    for (int i = 0; i < KILLED; i++) {
        pipe(ready);
        pid = fork();
        if (!pid) for (;;) { stat("/build/until-killed", &st); close(ready[1]); }
        close(ready[1]);
        read(ready[0], &c, 1);
        kill(pid, SIGKILL);
        reap(pid);
        close(ready[0]);
    }

    rename("of-parent", "renamed");
    linkat(AT_FDCWD, "renamed", dir, "linked", 0);
    symlinkat("renamed", AT_FDCWD, "symbolic");
    close(open("symbolic", O_RDWR));
    unlinkat(dir, "linked", 0);
    rename("dir", "moved");
    close(open("moved/after-chdir", O_RDONLY));

    mkdir("gone", 0755);
    chdir("gone");
    rmdir("../gone");
    open("in-nothing", O_RDONLY);
    return 5;
}

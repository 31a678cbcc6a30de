#include "controller/posix/watchdog.h"

int main(int argc, char** argv) { return midwatch::posix::RunWatchdog({argv + 1, argv + argc}); }

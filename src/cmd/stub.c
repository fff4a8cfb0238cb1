#include "cmd/commands.h"
#include "cmd/tarball.h"
#include "spec/document.h"
#include "sys/seccomp.h"
const struct command command_doctor={.name="doctor"};

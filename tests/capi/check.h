/* The least that a test in C needs: sentences, checks that go on, and a count in the end. */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controlplane.h"

static int failed_checks;
static int run_tests;

#define CHECK(condition) check_that((condition) != 0, #condition, __FILE__, __LINE__)
#define CHECK_TEXT(found, wanted) check_text((found), (wanted), 0, __FILE__, __LINE__)
#define CHECK_IN(found, part) check_text((found), (part), 1, __FILE__, __LINE__)
#define CHECK_OK(call) check_status((call), CP_OK, #call, __FILE__, __LINE__)
#define CHECK_STATUS(call, wanted) check_status((call), (wanted), #call, __FILE__, __LINE__)
/* That the call fails so, and that its message says so. */
#define CHECK_REFUSED(call, wanted, part)                                 \
  do {                                                                    \
    if (check_status((call), (wanted), #call, __FILE__, __LINE__) != 0) { \
      check_text(cp_last_error(), (part), 1, __FILE__, __LINE__);         \
    }                                                                     \
  } while (0)

/* A test that is never run does not compile: its function is unused. */
#define TEST(function, sentence)                  \
  static const char function##_says[] = sentence; \
  static void function(void)
#define RUN(function) run_test(function##_says, function)

static int check_that(int holds, const char *what, const char *file, int line) {
  if (!holds) {
    ++failed_checks;
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
  }
  return holds;
}

static int check_text(const char *found, const char *wanted, int part, const char *file, int line) {
  const int holds =
      found != NULL && (part ? strstr(found, wanted) != NULL : strcmp(found, wanted) == 0);
  if (!holds) {
    ++failed_checks;
    fprintf(stderr, "%s:%d: \"%s\" is not%s \"%s\"\n", file, line, found == NULL ? "(NULL)" : found,
            part ? " about" : "", wanted);
  }
  return holds;
}

static int check_status(int32_t found, int32_t wanted, const char *what, const char *file,
                        int line) {
  if (found != wanted) {
    ++failed_checks;
    fprintf(stderr, "%s:%d: %s\n  is %s, not %s%s%s\n", file, line, what, cp_status_name(found),
            cp_status_name(wanted), found == CP_OK ? "" : ": ",
            found == CP_OK ? "" : cp_last_error());
  }
  return found == wanted;
}

static void run_test(const char *sentence, void (*function)(void)) {
  const int before = failed_checks;
  ++run_tests;
  function();
  if (failed_checks != before) fprintf(stderr, "FAILED: %s\n", sentence);
}

/* What main() answers. */
static int report(void) {
  (void)check_text; /* a test may do without */
  (void)check_that;
  (void)check_status;
  printf("%d tests, %d failed checks\n", run_tests, failed_checks);
  return failed_checks == 0 ? 0 : 1;
}

#endif

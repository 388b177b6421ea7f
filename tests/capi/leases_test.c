/* Named leases, and elections on top of them. */
#include <pthread.h>
#include <stdlib.h>

#include "loop.h"

/* What callbacks tell. */
struct teller {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  cp_coordinator *plane;
  cp_named_lease *lease;
  cp_election *election;
  int lost;
  int elected;
  int closes;
  int32_t status;
  uint64_t epoch;
  char error[256];
};

static void begin_telling(struct teller *teller) {
  memset(teller, 0, sizeof(*teller));
  pthread_mutex_init(&teller->mutex, NULL);
  pthread_cond_init(&teller->changed, NULL);
  teller->plane = open_plane();
}

static void end_telling(struct teller *teller) {
  CHECK_OK(cp_coordinator_close(teller->plane));
  pthread_cond_destroy(&teller->changed);
  pthread_mutex_destroy(&teller->mutex);
}

static void await(struct teller *teller, const int *count, int wanted) {
  pthread_mutex_lock(&teller->mutex);
  while (*count < wanted) pthread_cond_wait(&teller->changed, &teller->mutex);
  pthread_mutex_unlock(&teller->mutex);
}

static void tell_lost(int32_t status, const char *error, void *user_data) {
  struct teller *teller = user_data;
  pthread_mutex_lock(&teller->mutex);
  teller->status = status;
  snprintf(teller->error, sizeof(teller->error), "%s", error);
  if (teller->closes && teller->lease != NULL) CHECK_OK(cp_lease_close(teller->lease));
  if (teller->closes && teller->election != NULL) CHECK_OK(cp_election_close(teller->election));
  ++teller->lost;
  pthread_cond_broadcast(&teller->changed);
  pthread_mutex_unlock(&teller->mutex);
}

static void tell_elected(uint64_t epoch, void *user_data) {
  struct teller *teller = user_data;
  pthread_mutex_lock(&teller->mutex);
  CHECK(epoch > teller->epoch);
  teller->epoch = epoch;
  if (teller->closes && teller->election != NULL) CHECK_OK(cp_election_close(teller->election));
  ++teller->elected;
  pthread_cond_broadcast(&teller->changed);
  pthread_mutex_unlock(&teller->mutex);
}

static cp_lease_options lease_options(const char *owner) {
  cp_lease_options options = CP_LEASE_OPTIONS_INIT;
  options.owner = owner;
  return options;
}

static cp_named_lease *acquire(cp_coordinator *plane, const cp_lease_options *options) {
  cp_named_lease *lease = NULL;
  CHECK_OK(cp_lease_acquire(&lease, plane, "index", options));
  return lease;
}

static uint64_t fence_of(cp_named_lease *lease) {
  uint64_t fence = 0;
  CHECK_OK(cp_lease_fence(&fence, lease));
  return fence;
}

static int32_t is_held(cp_named_lease *lease) {
  int32_t held = -1;
  CHECK_OK(cp_lease_held(&held, lease));
  return held;
}

/* Somebody else ends it, as if it had expired. */
static void take_away(cp_coordinator *plane, const char *name) {
  cp_lease_holder *holder = NULL;
  cp_permit_ref permit;
  if (!CHECK_OK(cp_lease_holder_get(&holder, plane, name))) return;
  permit.fence = holder->fence;
  permit.owner = holder->owner;
  CHECK_OK(cp_permit_release(plane, &permit));
  cp_lease_holder_free(holder);
}

TEST(one_holds_a_lease, "one holds a lease at a time, and every later one has a higher fence") {
  cp_coordinator *plane = open_plane();
  cp_named_lease *first;
  cp_named_lease *second = NULL;
  cp_lease_holder *holder = NULL;
  uint64_t fence;
  cp_lease_options options = lease_options("indexer-1");
  CHECK_REFUSED(cp_lease_holder_get(&holder, plane, "index"), CP_NOT_FOUND, "index");
  first = acquire(plane, &options);
  fence = fence_of(first);
  CHECK(fence > 0 && is_held(first) == 1);
  CHECK_OK(cp_lease_holder_get(&holder, plane, "index"));
  CHECK(holder->struct_size == sizeof(cp_lease_holder) && holder->fence == fence);
  CHECK_TEXT(holder->owner, "indexer-1");
  CHECK(holder->expires_at_us > 0);
  cp_lease_holder_free(holder);
  cp_lease_holder_free(NULL);
  options.owner = "indexer-2";
  CHECK_STATUS(cp_lease_acquire(&second, plane, "index", &options), CP_RESOURCE_EXHAUSTED);
  CHECK(second == NULL);
  options.wait_ms = 1;
  CHECK_STATUS(cp_lease_acquire(&second, plane, "index", &options), CP_DEADLINE_EXCEEDED);
  CHECK_OK(cp_lease_renew(first));
  CHECK_OK(cp_lease_release(first));
  CHECK_OK(cp_lease_release(first));
  CHECK(is_held(first) == 0 && fence_of(first) == fence);
  CHECK_REFUSED(cp_lease_renew(first), CP_FAILED_PRECONDITION, "was released");
  second = acquire(plane, &options);
  CHECK(fence_of(second) > fence);
  CHECK_OK(cp_lease_close(first)); /* it holds nothing any more */
  CHECK(is_held(second) == 1);
  CHECK_OK(cp_lease_close(second));
  CHECK_STATUS(cp_lease_holder_get(&holder, plane, "index"), CP_NOT_FOUND);
  CHECK_OK(cp_coordinator_close(plane));
}

TEST(losses_are_told, "a lease that is lost says so once, and not after it was released") {
  struct teller teller;
  cp_lease_options options = lease_options("indexer-1");
  begin_telling(&teller);
  options.on_lost = tell_lost;
  options.user_data = &teller;
  options.auto_renew = 0;
  teller.lease = acquire(teller.plane, &options);
  take_away(teller.plane, "index");
  CHECK_STATUS(cp_lease_renew(teller.lease), CP_NOT_FOUND);
  await(&teller, &teller.lost, 1);
  CHECK(teller.status == CP_NOT_FOUND);
  CHECK_IN(teller.error, "not_found: ");
  CHECK(is_held(teller.lease) == 0);
  CHECK_REFUSED(cp_lease_release(teller.lease), CP_NOT_FOUND, "lease index was lost before");
  CHECK_OK(cp_lease_close(teller.lease));
  CHECK(teller.lost == 1);
  /* Nobody renews it, or not for longer than this. */
  options.ttl_ms = 20;
  teller.lease = acquire(teller.plane, &options);
  await(&teller, &teller.lost, 2);
  CHECK(teller.status == CP_DEADLINE_EXCEEDED);
  CHECK_IN(teller.error, "it was not renewed");
  CHECK_OK(cp_lease_close(teller.lease));
  options.auto_renew = 1;
  options.max_hold_ms = 10;
  teller.lease = acquire(teller.plane, &options);
  await(&teller, &teller.lost, 3);
  CHECK_IN(teller.error, "max_hold");
  CHECK_OK(cp_lease_close(teller.lease));
  /* What was closed is not lost. */
  options.ttl_ms = 30000;
  options.max_hold_ms = 0;
  teller.lease = acquire(teller.plane, &options);
  CHECK_OK(cp_lease_close(teller.lease));
  CHECK(teller.lost == 3);
  end_telling(&teller);
}

TEST(a_loss_closes_its_lease, "a callback may close the lease that it tells of") {
  struct teller teller;
  cp_lease_options options = lease_options("indexer-1");
  begin_telling(&teller);
  teller.closes = 1;
  options.on_lost = tell_lost;
  options.user_data = &teller;
  options.auto_renew = 0;
  options.ttl_ms = 20;
  pthread_mutex_lock(&teller.mutex);
  teller.lease = acquire(teller.plane, &options);
  pthread_mutex_unlock(&teller.mutex);
  await(&teller, &teller.lost, 1);
  CHECK_REFUSED(cp_lease_close(teller.lease), CP_FAILED_PRECONDITION, "lease is closed");
  end_telling(&teller);
}

TEST(leases_outlive_the_plane, "a lease may be closed after its coordinator") {
  cp_coordinator *plane = open_plane();
  const cp_lease_options options = lease_options("indexer-1");
  cp_named_lease *lease = acquire(plane, &options);
  const uint64_t fence = fence_of(lease);
  CHECK_OK(cp_coordinator_close(plane));
  CHECK(fence_of(lease) == fence);
  CHECK_STATUS(cp_lease_renew(lease), CP_CANCELLED);
  CHECK_STATUS(cp_lease_release(lease), CP_CANCELLED);
  CHECK_OK(cp_lease_close(lease));
}

struct waiter {
  cp_coordinator *plane;
  cp_named_lease *lease;
  int32_t status;
};

static void *wait_for_lease(void *data) {
  struct waiter *waiter = data;
  cp_lease_options options = lease_options("late");
  options.wait_ms = CP_FOREVER_MS;
  waiter->status = cp_lease_acquire(&waiter->lease, waiter->plane, "index", &options);
  return NULL;
}

static void await_line(cp_coordinator *plane) {
  uint64_t found = 0;
  while (found == 0) {
    cp_stats *stats = NULL;
    if (!CHECK_OK(cp_stats_get(&stats, plane))) return;
    found = stats->permits_waiting;
    cp_stats_free(stats);
  }
}

TEST(waits_end, "who waits for a lease gets it when it is released, or hears of the end") {
  struct waiter waiter;
  pthread_t thread;
  const cp_lease_options options = lease_options("indexer-1");
  cp_named_lease *lease;
  memset(&waiter, 0, sizeof(waiter));
  waiter.plane = open_plane();
  lease = acquire(waiter.plane, &options);
  CHECK(pthread_create(&thread, NULL, wait_for_lease, &waiter) == 0);
  await_line(waiter.plane);
  CHECK_OK(cp_lease_close(lease));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(waiter.status == CP_OK && is_held(waiter.lease) == 1);
  lease = waiter.lease;
  CHECK(pthread_create(&thread, NULL, wait_for_lease, &waiter) == 0);
  await_line(waiter.plane);
  CHECK_OK(cp_coordinator_close(waiter.plane));
  CHECK(pthread_join(thread, NULL) == 0);
  CHECK(waiter.status == CP_CANCELLED && waiter.lease == NULL);
  CHECK_OK(cp_lease_close(lease));
}

TEST(leases_in_a_loop, "leases complete in the queue, and one that nobody hears of is released") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_completion *answer;
  cp_named_lease *lease;
  cp_lease_holder *holder = NULL;
  cp_lease_options options = lease_options("indexer-1");
  STARTED(cp_lease_acquire_async(plane, "index", &options, queue, &some_data));
  answer = next_ok(queue, CP_CALL_LEASE_ACQUIRE);
  lease = answer->named_lease;
  cp_completion_free(answer);
  CHECK(is_held(lease) == 1); /* it does not end with its completion */
  STARTED(cp_lease_holder_get_async(plane, "index", queue, &some_data));
  answer = next_ok(queue, CP_CALL_LEASE_HOLDER_GET);
  CHECK_TEXT(answer->lease_holder->owner, "indexer-1");
  CHECK(answer->lease_holder->fence == fence_of(lease) && answer->named_lease == NULL);
  cp_completion_free(answer);
  STARTED(cp_lease_acquire_async(plane, "index", &options, queue, &some_data));
  answer = next(queue);
  CHECK(answer->status == CP_RESOURCE_EXHAUSTED && answer->named_lease == NULL);
  cp_completion_free(answer);
  options.wait_ms = CP_FOREVER_MS;
  STARTED(cp_lease_acquire_async(plane, "index", &options, queue, &some_data));
  CHECK_OK(cp_queue_cancel(queue));
  answer = next(queue);
  CHECK(answer->status == CP_CANCELLED && answer->named_lease == NULL);
  cp_completion_free(answer);
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_lease_close(lease)); /* the cancelled one gets it, and gives it back */
  lease = acquire(plane, &options);
  CHECK_OK(cp_lease_close(lease));
  queue = open_queue();
  STARTED(cp_lease_acquire_async(plane, "index", &options, queue, &some_data));
  CHECK_OK(cp_lease_holder_get(&holder, plane, "index"));
  cp_lease_holder_free(holder);
  CHECK_OK(cp_queue_close(queue)); /* it was in there */
  CHECK_STATUS(cp_lease_holder_get(&holder, plane, "index"), CP_NOT_FOUND);
  CHECK_OK(cp_coordinator_close(plane));
}

static cp_election_options election_options(struct teller *teller) {
  cp_election_options options = CP_ELECTION_OPTIONS_INIT;
  options.name = "leader";
  options.candidate = "node-1";
  options.on_elected = tell_elected;
  options.on_lost = tell_lost;
  options.user_data = teller;
  return options;
}

TEST(one_is_elected, "one candidate leads at a time; when it resigns the next one is elected") {
  struct teller first;
  struct teller second;
  cp_election_options options;
  int32_t leads = -1;
  uint64_t epoch = 0;
  begin_telling(&first);
  begin_telling(&second);
  options = election_options(&first);
  CHECK_OK(cp_election_start(&first.election, first.plane, &options));
  await(&first, &first.elected, 1);
  CHECK_OK(cp_election_is_leader(&leads, first.election));
  CHECK_OK(cp_election_epoch(&epoch, first.election));
  CHECK(leads == 1 && epoch == first.epoch);
  options.candidate = "node-2";
  options.user_data = &second;
  CHECK_OK(cp_election_start(&second.election, first.plane, &options));
  CHECK_OK(cp_election_is_leader(&leads, second.election));
  CHECK_OK(cp_election_epoch(&epoch, second.election));
  CHECK(leads == 0 && epoch == 0);
  CHECK_OK(cp_election_close(first.election));
  await(&second, &second.elected, 1);
  CHECK(second.epoch > first.epoch && first.lost == 0);
  CHECK_REFUSED(cp_election_close(first.election), CP_FAILED_PRECONDITION, "election is closed");
  CHECK_OK(cp_election_close(second.election));
  end_telling(&first);
  end_telling(&second);
}

TEST(leaders_stand_again, "a leader that loses its lease is told, and stands again") {
  struct teller teller;
  cp_election_options options;
  begin_telling(&teller);
  options = election_options(&teller);
  options.ttl_ms = 1500; /* it hears of a loss within 500 */
  CHECK_OK(cp_election_start(&teller.election, teller.plane, &options));
  await(&teller, &teller.elected, 1);
  take_away(teller.plane, "leader");
  await(&teller, &teller.lost, 1);
  await(&teller, &teller.elected, 2);
  CHECK_OK(cp_election_close(teller.election));
  end_telling(&teller);
}

TEST(candidates_close_themselves, "a callback may close the election that it tells of") {
  struct teller teller;
  cp_election_options options;
  int at;
  for (at = 0; at < 2; ++at) {
    begin_telling(&teller);
    options = election_options(&teller);
    options.ttl_ms = 1500; /* it hears of a loss within 500 */
    pthread_mutex_lock(&teller.mutex);
    teller.closes = at == 0;
    CHECK_OK(cp_election_start(&teller.election, teller.plane, &options));
    pthread_mutex_unlock(&teller.mutex);
    await(&teller, &teller.elected, 1);
    if (at == 1) {
      pthread_mutex_lock(&teller.mutex);
      teller.closes = 1;
      pthread_mutex_unlock(&teller.mutex);
      take_away(teller.plane, "leader");
      await(&teller, &teller.lost, 1);
    }
    CHECK_STATUS(cp_election_close(teller.election), CP_FAILED_PRECONDITION);
    end_telling(&teller);
  }
}

TEST(elections_outlive_the_plane, "an election may be closed after its coordinator") {
  struct teller teller;
  cp_election_options options;
  begin_telling(&teller);
  options = election_options(&teller);
  options.on_elected = NULL;
  options.on_lost = NULL;
  CHECK_OK(cp_election_start(&teller.election, teller.plane, &options));
  end_telling(&teller);
  CHECK_OK(cp_election_close(teller.election));
}

TEST(leases_are_checked, "what breaks a rule is refused with its value and the rule") {
  cp_coordinator *plane = open_plane();
  cp_queue *queue = open_queue();
  cp_named_lease *lease = NULL;
  cp_named_lease *held;
  cp_election *election = NULL;
  cp_lease_holder *holder = NULL;
  int32_t number = -1;
  cp_lease_options options = lease_options("indexer-1");
  cp_election_options standing = CP_ELECTION_OPTIONS_INIT;
  struct {
    cp_lease_options known;
    uint64_t unknown;
  } newer;
  CHECK_REFUSED(cp_lease_acquire(NULL, plane, "index", &options), CP_INVALID_ARGUMENT,
                "out is NULL");
  CHECK_REFUSED(cp_lease_acquire(&lease, plane, "index", NULL), CP_INVALID_ARGUMENT,
                "cp_lease_options is NULL");
  CHECK_STATUS(cp_lease_acquire(&lease, plane, NULL, &options), CP_INVALID_ARGUMENT);
  options.priority = 4;
  CHECK_REFUSED(cp_lease_acquire(&lease, plane, "index", &options), CP_INVALID_ARGUMENT,
                "priority is 4; it must be 0 to 3");
  CHECK_REFUSED(cp_lease_acquire_async(plane, "index", &options, queue, NULL), CP_INVALID_ARGUMENT,
                "priority is 4");
  options.priority = CP_PRIORITY_HIGH;
  options.auto_renew = 2;
  CHECK_REFUSED(cp_lease_acquire(&lease, plane, "index", &options), CP_INVALID_ARGUMENT,
                "auto_renew is 2; it must be 0 or 1");
  options.auto_renew = 1;
  options.struct_size = 20;
  CHECK_REFUSED(cp_lease_acquire(&lease, plane, "index", &options), CP_INVALID_ARGUMENT,
                "cp_lease_options: struct_size is 20");
  memset(&newer, 0, sizeof(newer));
  newer.known = lease_options("indexer-1");
  newer.known.struct_size = (uint32_t)sizeof(newer);
  CHECK_OK(cp_lease_acquire(&held, plane, "index", &newer.known));
  newer.unknown = 1;
  CHECK_REFUSED(cp_lease_acquire(&lease, plane, "other", &newer.known), CP_INVALID_ARGUMENT,
                "is not zero; this library knows");
  CHECK_REFUSED(cp_lease_held(NULL, held), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_lease_fence(NULL, held), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_lease_holder_get(NULL, plane, "index"), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_STATUS(cp_lease_holder_get(&holder, plane, NULL), CP_INVALID_ARGUMENT);
  CHECK_REFUSED(cp_lease_held(&number, (cp_named_lease *)(void *)plane), CP_INVALID_ARGUMENT,
                "lease is a handle of another type: coordinator");
  CHECK_REFUSED(cp_election_is_leader(&number, (cp_election *)(void *)held), CP_INVALID_ARGUMENT,
                "election is a handle of another type: lease");
  CHECK_REFUSED(cp_election_close((cp_election *)(uintptr_t)4711), CP_INVALID_ARGUMENT,
                "election is no handle of this library");
  CHECK_OK(cp_lease_close(held));
  CHECK_REFUSED(cp_election_start(NULL, plane, &standing), CP_INVALID_ARGUMENT, "out is NULL");
  CHECK_REFUSED(cp_election_start(&election, plane, NULL), CP_INVALID_ARGUMENT,
                "cp_election_options is NULL");
  CHECK_STATUS(cp_election_start(&election, plane, &standing), CP_INVALID_ARGUMENT);
  standing.struct_size = 7;
  CHECK_REFUSED(cp_election_start(&election, plane, &standing), CP_INVALID_ARGUMENT,
                "cp_election_options: struct_size is 7");
  CHECK(lease == NULL && election == NULL && holder == NULL);
  CHECK(!is_readable(queue));
  CHECK_OK(cp_queue_close(queue));
  CHECK_OK(cp_coordinator_close(plane));
}

int main(void) {
  plane_used();
  RUN(one_holds_a_lease);
  RUN(losses_are_told);
  RUN(a_loss_closes_its_lease);
  RUN(leases_outlive_the_plane);
  RUN(waits_end);
  RUN(leases_in_a_loop);
  RUN(one_is_elected);
  RUN(leaders_stand_again);
  RUN(candidates_close_themselves);
  RUN(elections_outlive_the_plane);
  RUN(leases_are_checked);
  return report();
}

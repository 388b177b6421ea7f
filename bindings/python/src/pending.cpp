#include "pending.hpp"

#include <poll.h>

#include <cerrno>
#include <system_error>

#include "guarded.hpp"
#include "unlocked.hpp"

namespace controlplane::python {
namespace {

// Until the descriptor is readable; answers why not, else 0.
int wait_for(int fd) {
  const Unlocked unlocked;
  pollfd ready{fd, POLLIN, 0};
  return ::poll(&ready, 1, -1) < 0 ? errno : 0;
}

py::object called(PyObject* answer) {
  if (answer == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(answer);
}

}  // namespace

void Answer::arrived() {
  const State before = state_.exchange(State::here, std::memory_order_acq_rel);
  if (before == State::abandoned) return discard();
  if (before != State::expected) return;
  if (queue_) {
    queue_->push(receiver_, shared_from_this());
  } else {
    wakeup_->set();
  }
}

bool Answer::expect() {
  State open = State::open;
  return state_.compare_exchange_strong(open, State::expected, std::memory_order_acq_rel);
}

bool Answer::send_to(std::shared_ptr<Queue> queue, std::uint64_t receiver) {
  queue_ = std::move(queue);
  receiver_ = receiver;
  return expect();
}

// Not a condition variable: a signal must interrupt it, so that Ctrl-C works.
void Answer::wait() {
  wakeup_ = std::make_shared<Wakeup>();
  if (!expect()) return;
  const auto self = shared_from_this();
  while (!is_here()) {
    const int error = wait_for(wakeup_->fd());
    if (error != 0 && error != EINTR) {
      throw std::system_error(error, std::generic_category(), "poll");
    }
    // Also of a signal that came while this waited for the GIL with the answer at hand: raised
    // here, the Pending gives back what was claimed; a moment later nobody could.
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

bool Answer::abandon() noexcept {
  given_up();
  State state = state_.load(std::memory_order_acquire);
  while (state != State::here) {
    if (state_.compare_exchange_weak(state, State::abandoned, std::memory_order_acq_rel))
      return true;
  }
  return false;
}

py::object Answer::take() {
  if (settled_.exchange(true)) raise(Error::cancelled("its event loop was closed"));
  return value();
}

void Answer::discard() noexcept {
  if (!settled_.exchange(true)) undo();
}

void Answer::deliver(py::handle future) {
  static PyObject* const done = PyUnicode_InternFromString("done");
  static PyObject* const set_result = PyUnicode_InternFromString("set_result");
  const auto is_done = called(PyObject_CallMethodNoArgs(future.ptr(), done));
  if (is_done.ptr() != Py_False) return;  // the await was cancelled
  called(PyObject_CallMethodOneArg(future.ptr(), set_result, Py_None));
}

std::shared_ptr<Answer> Pending::taken() {
  if (receiver_ != 0) inbox_.cast<Inbox&>().remove(std::exchange(receiver_, 0));
  return std::exchange(answer_, nullptr);
}

void Pending::on(const py::object& inbox, py::object future) {
  if (!answer_ || receiver_ != 0) throw std::runtime_error("this answer was taken");
  auto& reader = inbox.cast<Inbox&>();
  const std::uint64_t receiver = reader.add(future);
  if (!answer_->send_to(reader.queue(), receiver)) return reader.remove(receiver);
  inbox_ = inbox;
  receiver_ = receiver;
  future_ = std::move(future);
}

PySendResult Pending::send(PyObject*& result) {
  if (!answer_) throw std::runtime_error("this answer was taken");
  if (answer_->is_here()) {
    result = taken()->take().release().ptr();
    return PYGEN_RETURN;
  }
  if (!future_) throw std::runtime_error("this answer is not here");
  const auto waits = called(PyObject_GetIter(std::exchange(future_, {}).ptr()));
  return PyIter_Send(waits.ptr(), Py_None, &result);  // the future, for the task to wait for
}

// One that is under way is discarded here; when the inbox comes to it nobody is woken. In a process
// that was forked it is left alone: what undoes it has locks of threads that are not there.
void Pending::give_up() noexcept {
  if (!answer_) return;
  const auto answer = taken();
  if (!home_.is_here()) {
    new std::shared_ptr<Answer>(answer);
    return;
  }
  if (!answer->abandon()) answer->discard();
}

py::object Pending::wait() {
  if (!answer_ || receiver_ != 0) throw std::runtime_error("this answer was taken");
  try {
    answer_->wait();
  } catch (...) {
    give_up();  // now, not when the traceback goes
    throw;
  }
  return taken()->take();
}

// --- as Python sees it: no class of pybind11's, which registers every object ---

namespace {

struct PendingObject {
  PyObject_HEAD Pending pending;
};

PyTypeObject* pending_type = nullptr;  // set by bind_pending, for ever

Pending& pending_of(PyObject* self) { return reinterpret_cast<PendingObject*>(self)->pending; }

void destroy(PyObject* self) {
  pending_of(self).~Pending();
  PyTypeObject* const type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* on(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  return guarded([&] {
    if (count != 2) throw py::type_error("it takes an inbox and a future");
    pending_of(self).on(py::reinterpret_borrow<py::object>(args[0]),
                        py::reinterpret_borrow<py::object>(args[1]));
    return Py_NewRef(self);
  });
}

PySendResult send(PyObject* self, PyObject*, PyObject** result) {
  PySendResult how = PYGEN_ERROR;
  *result = guarded([&] {
    PyObject* answer = nullptr;
    how = pending_of(self).send(answer);
    return answer;
  });
  return *result == nullptr ? PYGEN_ERROR : how;
}

// As send(), where CPython asks for an iterator: what is returned is raised in a StopIteration.
PyObject* next(PyObject* self) {
  PyObject* result = nullptr;
  if (send(self, Py_None, &result) != PYGEN_RETURN) return result;
  const auto value = py::reinterpret_steal<py::object>(result);
  if (PyObject* const stop = PyObject_CallOneArg(PyExc_StopIteration, result); stop != nullptr) {
    PyErr_SetObject(PyExc_StopIteration, stop);
    Py_DECREF(stop);
  }
  return nullptr;
}

// The exception, or its class and perhaps its value.
PyObject* raise_into(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  pending_of(self).give_up();
  if (count == 0) {
    PyErr_SetString(PyExc_TypeError, "it takes an exception");
  } else if (PyExceptionInstance_Check(args[0])) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(args[0])), args[0]);
  } else {
    PyErr_SetObject(args[0], count > 1 ? args[1] : Py_None);
  }
  return nullptr;
}

PyObject* close(PyObject* self, PyObject*) {
  pending_of(self).give_up();
  return Py_NewRef(Py_None);
}

PyObject* wait(PyObject* self, PyObject*) {
  return guarded([&] { return pending_of(self).wait().release().ptr(); });
}

template <class Function>
PyCFunction method(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace

py::object pending_object(std::shared_ptr<Answer> answer) {
  PyObject* const self = pending_type->tp_alloc(pending_type, 0);
  if (self == nullptr) throw py::error_already_set();
  new (&pending_of(self)) Pending(std::move(answer));
  return py::reinterpret_steal<py::object>(self);
}

void bind_pending(py::module_& module) {
  static PyMethodDef methods[] = {
      {"on", method(&on), METH_FASTCALL, "To be awaited by the loop of the inbox."},
      {"throw", method(&raise_into), METH_FASTCALL, "The await was cancelled."},
      {"close", method(&close), METH_NOARGS, "The await was given up."},
      {"wait", method(&wait), METH_NOARGS, "Blocks until it is here."},
      {}};
  static PyType_Slot slots[] = {
      {Py_tp_doc, const_cast<char*>("An answer that is not here yet. Private.")},
      {Py_tp_dealloc, reinterpret_cast<void*>(&destroy)},
      {Py_tp_iter, reinterpret_cast<void*>(&PyObject_SelfIter)},
      {Py_tp_iternext, reinterpret_cast<void*>(&next)},
      {Py_am_await, reinterpret_cast<void*>(&PyObject_SelfIter)},
      {Py_am_send, reinterpret_cast<void*>(&send)},
      {Py_tp_methods, methods},
      {}};
  static PyType_Spec spec{
      "aragora_cp._core.Pending", sizeof(PendingObject), 0,
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  PyObject* const type = PyType_FromSpec(&spec);
  if (type == nullptr) throw py::error_already_set();
  pending_type = reinterpret_cast<PyTypeObject*>(type);
  module.add_object("Pending", py::handle(type));
}

}  // namespace controlplane::python

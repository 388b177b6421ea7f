#include "capi/mesh_views.hpp"

#include <utility>

namespace controlplane::capi {

cp_document view_of(const Document& document) noexcept {
  cp_document out;
  begin(out);
  out.key = document.key.c_str();
  show(out.value, out.value_length, document.value);
  out.version = document.version;
  out.created_at_us = document.created_at;
  out.updated_at_us = document.updated_at;
  out.expires_at_us = document.expires_at;
  return out;
}

DocumentView::DocumentView(Document document) : value(std::move(document)) {
  static_cast<cp_document&>(*this) = view_of(value);
}

DocumentPageView::DocumentPageView(Page<Document> page) : cursor(std::move(page.next_cursor)) {
  cp_document_page& out = *this;
  begin(out);
  list.reserve(page.items.size());
  for (Document& document : page.items) {
    list.add(std::make_unique<DocumentView>(std::move(document)));
  }
  out.items = list.items.data();
  out.count = list.items.size();
  out.next_cursor = cursor.c_str();
}

ChangeItems::ChangeItems(const std::vector<DocumentChange>& changes) {
  values.reserve(changes.size());
  for (const DocumentChange& change : changes) {
    values.push_back({sizeof(cp_document_change), code(change.kind), change.key.c_str(),
                      change.version, change.time, change.seq});
  }
  items = pointers_to(values);
}

}  // namespace controlplane::capi

using namespace controlplane;
using namespace controlplane::capi;

void cp_document_free(cp_document* document) { delete static_cast<DocumentView*>(document); }
void cp_document_page_free(cp_document_page* page) { delete static_cast<DocumentPageView*>(page); }

// What a caller gets of shared state: views as those of views.hpp.
// Thread safety: plain values, read-only once made.
// Lifetime: until their cp_…_free().
// Errors: none but std::bad_alloc.
#pragma once

#include <string>
#include <vector>

#include "capi/views.hpp"
#include "controlplane.h"
#include "controlplane/document.hpp"

namespace controlplane::capi {

// Points into a document that outlives it.
cp_document view_of(const Document& document) noexcept;

struct DocumentView : cp_document, View {
  explicit DocumentView(Document document);
  Document value;
};

struct DocumentPageView : cp_document_page, View {
  explicit DocumentPageView(Page<Document> page);
  std::string cursor;
  ViewList<DocumentView, cp_document> list;
};

// Points into the changes of a vector that outlives it.
struct ChangeItems {
  explicit ChangeItems(const std::vector<DocumentChange>& changes);
  std::vector<cp_document_change> values;
  std::vector<const cp_document_change*> items;
};

}  // namespace controlplane::capi

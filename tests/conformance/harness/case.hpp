// SPDX-License-Identifier: GPL-3.0-or-later
// A conformance case: what a tester who plays everything but the node under test sends, and what he must see.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace mipflow::conformance {

// What was seen is not what was required. The text says both.
class Failed : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

inline void require(bool condition, const std::string& message) {
  if (!condition) throw Failed(message);
}

// The evidence of a case: what it judged, in that order.
class Record {
 public:
  void saw(const std::string& what);
  // One line; what was seen several times running is counted.
  std::string text() const;

 private:
  struct Sight {
    std::string what;
    unsigned times = 1;
  };
  std::vector<Sight> sights_;
};

struct Case {
  std::string id;  // of the third-party suite, or X-… for those that no suite has
  std::string title;
  std::string section;                    // of RFC 6275
  std::function<void(Record&)> run = {};  // throws Failed; empty: not applicable
  // Why it is not applicable; or, for a case that runs, how RFC 6275 changed what the suite of RFC 3775 asks for.
  std::string remark = {};
};

struct Group {
  std::string title;
  std::vector<Case> cases;
};

}  // namespace mipflow::conformance

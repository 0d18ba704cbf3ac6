// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/io_context.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "mipflow/base/flow_key.hpp"
#include "mipflow/base/flow_owner.hpp"
#include "mipflow/platform/socket_owner.hpp"

namespace mipflow::mnd {

// Looks up who flows belong to, on a thread of its own.
class OwnerLookup {
 public:
  static constexpr std::size_t kMostQuestions = 256;  // that wait; more are refused
  static constexpr std::chrono::milliseconds kLongestSearch{250};
  static constexpr std::chrono::milliseconds kLongestSecondSearch{1000};

  // `on_found` is called on the loop's thread for each question that was taken, until this is destroyed: once, and once more when
  // the time for the search was over before the process was found, which on a busy host says nothing. The second search comes
  // behind all that wait.
  using Found = std::function<void(const FlowKey&, FlowOwnerPointer)>;
  OwnerLookup(boost::asio::io_context& loop, platform::SocketOwners owners, Found on_found);
  ~OwnerLookup();

  // Urgent questions come before those that are not. False when too many wait.
  bool ask(const FlowKey& key, const platform::SocketOwners::Known& known, bool urgent);

 private:
  struct Question {
    FlowKey key;
    platform::SocketOwners::Known known;
    bool again = false;
  };
  void work();
  void tell(const FlowKey& key, FlowOwner owner);

  boost::asio::io_context& loop_;
  platform::SocketOwners owners_;
  std::shared_ptr<const Found> on_found_;
  FlowOwnerPointer last_;

  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<Question> urgent_, others_;
  bool stopping_ = false;
  std::thread thread_;  // the last member: it uses all others
};

}  // namespace mipflow::mnd

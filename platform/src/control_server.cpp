// SPDX-License-Identifier: GPL-3.0-or-later
#include "mipflow/platform/control_server.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <istream>
#include <optional>
#include <set>
#include <vector>

#include "mipflow/platform/control_protocol.hpp"
#include "mipflow/platform/service_user.hpp"

namespace mipflow::platform {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

namespace {

std::optional<ControlServer::Peer> peer_of(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return ControlServer::Peer{peer.uid, peer.gid, peer.pid};
}

// Root, the daemon's own user, or a member of the group. The socket's mode says the same; it may have been changed.
bool may_ask(const ControlServer::Peer& peer, int descriptor, std::optional<gid_t> operators) {
  if (peer.user == 0 || peer.user == geteuid()) return true;
  if (!operators) return false;
  if (peer.group == *operators) return true;
  std::vector<gid_t> groups(65536);
  auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  groups.resize(size / sizeof(gid_t));
  return std::find(groups.begin(), groups.end(), *operators) != groups.end();
}

std::string refusal_of(const ControlServer::Peer& peer, bool has_group) {
  if (!has_group)
    return "permission denied: only root may ask, because this host had no group 'mipflow' when the daemon started; make it "
           "(systemd-sysusers, or groupadd --system mipflow) and restart the daemon";
  return "permission denied: only root and members of the group 'mipflow' may ask; 'usermod -aG mipflow " + name_of_user(peer.user) +
         "' as root makes you a member, from your next login on";
}

}  // namespace

class ControlServer::Implementation : public std::enable_shared_from_this<ControlServer::Implementation> {
 public:
  Implementation(asio::io_context& loop, std::filesystem::path path, Handler handler)
      : loop_(loop), path_(std::move(path)), handler_(std::move(handler)), acceptor_(loop), again_(loop), writers_(1) {}

  Result<void> listen();
  void close();
  void accept();
  const std::string& warning() const { return warning_; }

 private:
  class Session;
  void admit(Protocol::socket socket);
  bool is_full_for(uid_t user) const;

  asio::io_context& loop_;
  std::filesystem::path path_;
  Handler handler_;
  std::string warning_;
  std::optional<gid_t> operators_ = group_named(kOperatorsGroup);
  Protocol::acceptor acceptor_;
  asio::steady_timer again_;
  asio::thread_pool writers_;
  std::set<std::shared_ptr<Session>> sessions_;
};

// One client. Asks for a line, answers it, asks for the next.
class ControlServer::Implementation::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Implementation> server, Protocol::socket socket, const Peer& peer)
      : server_(std::move(server)), socket_(std::move(socket)), peer_(peer), patience_(server_->loop_), received_(kLongestRequest) {}

  uid_t user() const { return peer_.user; }

  void read() {
    be_patient_for(kIdleSeconds);
    asio::async_read_until(socket_, received_, '\n', [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
      if (error == asio::error::not_found)
        self->write_and_end(error_answer("too-long", "a request has at most " + std::to_string(kLongestRequest) + " octets"));
      else if (error)
        self->end();
      else
        self->take_line();
    });
  }

  void write_and_end(std::string line) {
    last_ = true;
    write(std::move(line));
  }

  void end() {
    if (ended_) return;
    ended_ = true;
    boost::system::error_code ignored;
    patience_.cancel();
    socket_.close(ignored);
    if (auto server = std::exchange(server_, nullptr)) server->sessions_.erase(shared_from_this());
  }

 private:
  void take_line() {
    std::istream stream(&received_);
    std::string line;
    std::getline(stream, line);
    asio::post(server_->writers_, [self = shared_from_this(), reply = server_->handler_(line, peer_), &loop = server_->loop_] {
      asio::post(loop, [self, text = reply()]() mutable { self->write(std::move(text)); });
    });
  }

  void write(std::string line) {
    if (ended_) return;
    answer_ = std::move(line) + "\n";
    be_patient_for(kPatienceSeconds);
    asio::async_write(socket_, asio::buffer(answer_), [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
      if (error || self->last_)
        self->end();
      else
        self->read();
    });
  }

  void be_patient_for(int seconds) {
    patience_.expires_after(std::chrono::seconds{seconds});
    patience_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->end();
    });
  }

  std::shared_ptr<Implementation> server_;
  Protocol::socket socket_;
  Peer peer_;
  asio::steady_timer patience_;
  asio::streambuf received_;
  std::string answer_;
  bool last_ = false;
  bool ended_ = false;
};

Result<void> ControlServer::Implementation::listen() {
  boost::system::error_code error;
  if (path_.native().size() >= sizeof(sockaddr_un::sun_path))
    return fail("the path of the control socket is too long: " + path_.string() + "; choose a shorter --runtime-dir");
  ::unlink(path_.c_str());
  acceptor_.open(Protocol(), error);
  // Nobody gets in between bind and chmod: the mask applies to the file that bind makes.
  const mode_t mask = ::umask(0117);
  if (!error) acceptor_.bind(Protocol::endpoint(path_.string()), error);
  ::umask(mask);
  if (!error) acceptor_.listen(static_cast<int>(kMostClients), error);
  if (error) return fail("cannot listen at the control socket " + path_.string(), error.value());
  if (operators_ && ::lchown(path_.c_str(), static_cast<uid_t>(-1), *operators_) != 0)
    warning_ = "cannot give the control socket " + path_.string() + " to the group mipflow, so that only root may ask (" + error_text(errno) +
               "); let the service run with SupplementaryGroups=mipflow";
  return {};
}

void ControlServer::Implementation::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  again_.cancel();
  const auto sessions = sessions_;
  for (const auto& session : sessions) session->end();
  writers_.join();
  ::unlink(path_.c_str());
}

void ControlServer::Implementation::accept() {
  acceptor_.async_accept([self = shared_from_this()](const boost::system::error_code& error, Protocol::socket socket) {
    if (!self->acceptor_.is_open()) return;
    if (!error) {
      self->admit(std::move(socket));
      self->accept();
      return;
    }
    // Out of descriptors, most likely. Trying at once would only spin.
    self->again_.expires_after(std::chrono::seconds{1});
    self->again_.async_wait([self](const boost::system::error_code& cancelled) {
      if (!cancelled) self->accept();
    });
  });
}

bool ControlServer::Implementation::is_full_for(uid_t user) const {
  if (user == 0) return sessions_.size() >= kMostClients;
  const auto of_user = std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& session) { return session->user() == user; });
  return sessions_.size() >= kMostClients - kPlacesForRoot || static_cast<std::size_t>(of_user) >= kMostOfOneUser;
}

void ControlServer::Implementation::admit(Protocol::socket socket) {
  const auto peer = peer_of(socket.native_handle());
  if (!peer) return;
  const bool may = may_ask(*peer, socket.native_handle(), operators_);
  const bool full = is_full_for(peer->user);
  auto session = std::make_shared<Session>(shared_from_this(), std::move(socket), *peer);
  sessions_.insert(session);
  if (!may)
    session->write_and_end(error_answer("not-permitted", refusal_of(*peer, operators_.has_value())));
  else if (full)
    session->write_and_end(error_answer("busy", "too many programs are connected, or too many of yours; try again"));
  else
    session->read();
}

ControlServer::ControlServer(std::shared_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}

const std::string& ControlServer::warning() const { return implementation_->warning(); }

ControlServer::~ControlServer() { implementation_->close(); }

Result<std::unique_ptr<ControlServer>> ControlServer::open(asio::io_context& loop, const std::filesystem::path& path, Handler handler) {
  auto implementation = std::make_shared<Implementation>(loop, path, std::move(handler));
  if (const auto done = implementation->listen(); !done) return Unexpected{done.error()};
  implementation->accept();
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(implementation)));
}

}  // namespace mipflow::platform

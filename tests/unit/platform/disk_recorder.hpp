// SPDX-License-Identifier: GPL-3.0-or-later
// What a power cut can leave of files that were being written.
//
// The program's own calls to the kernel (open, write, ftruncate, fsync, rename, unlink, mkdir) are recorded while a DiskRecorder
// lives; they are carried out as well, but for the synchronising. From the recording follows every state that a disk may be in when the power goes:
//   data   what was written to a file since it was last synchronised: nothing of it, the first writes, half a write, a write whose
//          length is there and whose octets read as zeros, and all but one of the writes, in whatever order the disk had them;
//   names  what was made, renamed or removed since a directory was last synchronised: the first of these changes, in their
//          order, as file systems with a journal keep them. They are independent of the data: a file may have its new name
//          long before its octets.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mipflow::test {

using DiskFiles = std::map<std::string, std::string>;  // path below the directory, octets

class DiskRecorder {
 public:
  // What is in the directory is on the disk. One recorder at a time, one thread.
  explicit DiskRecorder(const std::filesystem::path& directory);
  ~DiskRecorder();
  DiskRecorder(const DiskRecorder&) = delete;
  DiskRecorder& operator=(const DiskRecorder&) = delete;

  // What the program was told to be kept from here on: `promise` counts up.
  void promise(int number);

  // Calls `look` with every state the disk may be in when the power goes at any moment of the recording, each once: with the
  // number that was promised last, and the one that is promised next (the last one behind the end).
  void for_each_power_cut(const std::function<void(const DiskFiles&, int promised, int next)>& look) const;

  // One recorded call. `path`, `other`: below the directory.
  struct Step {
    enum class Kind { Create, Write, Truncate, SynchroniseFile, SynchroniseDirectory, Rename, Remove, Promise };
    Kind kind;
    std::string path{};
    std::string other{};        // Rename: the new name
    std::size_t offset = 0;     // Write; Truncate: the new size
    std::string octets{};       // Write
    int number = 0;             // Promise
  };
  const std::vector<Step>& steps() const { return steps_; }

 private:
  friend struct DiskRecorderCalls;
  std::string directory_;
  DiskFiles before_;
  std::vector<Step> steps_;
};

// Replaces what is in the directory by these files.
void put_on_disk(const std::filesystem::path& directory, const DiskFiles& files);

}  // namespace mipflow::test

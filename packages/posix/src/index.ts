/**
 * Linux from Node: file descriptors, vectored I/O on memory where it lies, `mmap`, `eventfd`, sockets that pass
 * descriptors, and a poller that waits for many of them. The one package that loads koffi.
 *
 * ```ts
 * import { EventFd, Ready, threadPoller } from "@vmmkit/posix";
 *
 * const bell = new EventFd();
 * const watch = threadPoller().watch(bell.fd, Ready.Read, () => {
 *   console.log(bell.take(), "rings");
 *   watch.close();
 *   bell.close();
 * });
 * bell.signal();
 * ```
 *
 * @module
 */
export { addressOf, type Bytes, Pin } from "./addresses.ts";
export { check, Errno, errnoName, posixError } from "./errno.ts";
export { ClosedError, PosixError, UnsupportedPlatformError } from "./errors.ts";
export { EventFd, isEventFd } from "./event-fd.ts";
export { Fd, OpenFlag, openFile } from "./fd.ts";
export { ioctl, read, readAt, readv, write, writeAt, writev } from "./io.ts";
export { IoOp, IoRing, threadIoRing } from "./io-ring.ts";
export { IOV_MAX, IoVector, type RangeList } from "./io-vector.ts";
export {
  copyFromAddress,
  type LibraryFunctions,
  loadLibrary,
  readCString,
  type Signatures,
  viewAt,
} from "./library.ts";
export { MAX_PASSED_FDS, Message, sendWithDescriptors } from "./message.ts";
export { MessageStream, type MessageStreamOptions } from "./message-stream.ts";
export { createMemfd, fileBytes, type MapOptions, Mapping, mapInPieces, mapMemory } from "./mmap.ts";
export { enterNetwork, unshareNetwork } from "./namespace.ts";
export { Poller, type PollerOptions, threadPoller } from "./poller.ts";
export { runSupervised, type SupervisedBody } from "./run-supervised.ts";
export { decodeAddress, encodeAddress, ipv4Bytes, ipv6Bytes, type SocketAddress } from "./sockaddr.ts";
export { interfaceIndex, openSocket, Shutdown, Socket, SocketDomain, SocketType, socketPair } from "./socket.ts";
export { FIRST_SUPERVISED_FD, type SupervisedOptions, SupervisedProcess } from "./supervised-process.ts";
export { listenUnix, openUnixListener, type UnixListener, type UnixListenOptions } from "./unix-listener.ts";
export { bindSocket, removeSocketFile } from "./unix-path.ts";
export { Ready, type ReadyListener, Watch } from "./watch.ts";

/* The vhost-user protocol (QEMU: docs/interop/vhost-user), as far as a network device has use for it. */

/** Each message starts with it: request, flags, length of the rest. */
export const HEADER_BYTES = 12;
export const VERSION_MASK = 3;
export const VERSION = 1;
export const FLAG_REPLY = 4;
export const FLAG_NEED_REPLY = 8;

/** Requests of the front-end (C: `VHOST_USER_*`). */
export const Request = {
  GetFeatures: 1,
  SetFeatures: 2,
  SetOwner: 3,
  ResetOwner: 4,
  SetMemTable: 5,
  SetLogBase: 6,
  SetLogFd: 7,
  SetVringNum: 8,
  SetVringAddr: 9,
  SetVringBase: 10,
  GetVringBase: 11,
  SetVringKick: 12,
  SetVringCall: 13,
  SetVringErr: 14,
  GetProtocolFeatures: 15,
  SetProtocolFeatures: 16,
  GetQueueNum: 17,
  SetVringEnable: 18,
  SendRarp: 19,
  NetSetMtu: 20,
  SetBackendReqFd: 21,
  GetConfig: 24,
  SetConfig: 25,
  GetInflightFd: 31,
  SetInflightFd: 32,
  ResetDevice: 34,
  GetMaxMemSlots: 36,
  AddMemReg: 37,
  RemMemReg: 38,
  SetStatus: 39,
  GetStatus: 40,
} as const;

/** Requests of the back-end. */
export const BACKEND_CONFIG_CHANGE_MSG = 2;

/** Feature bits that are vhost's own, among those of virtio. */
export const VHOST_F_LOG_ALL = 26;
export const VHOST_USER_F_PROTOCOL_FEATURES = 30;

/** Protocol features (C: `VHOST_USER_PROTOCOL_F_*`). */
export const PROTOCOL_F_MQ = 0;
export const PROTOCOL_F_LOG_SHMFD = 1;
export const PROTOCOL_F_RARP = 2;
export const PROTOCOL_F_REPLY_ACK = 3;
export const PROTOCOL_F_NET_MTU = 4;
export const PROTOCOL_F_BACKEND_REQ = 5;
export const PROTOCOL_F_CONFIG = 9;
export const PROTOCOL_F_INFLIGHT_SHMFD = 12;
export const PROTOCOL_F_RESET_DEVICE = 13;
export const PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15;
export const PROTOCOL_F_STATUS = 16;

/** Payload of SET_VRING_KICK, _CALL and _ERR: the ring, and whether there is no descriptor. */
export const VRING_INDEX_MASK = 0xff;
export const VRING_NO_FD = 0x100;

/** A page as the log of dirty pages counts them. */
export const LOG_PAGE_BYTES = 4096;

/** Most regions in one SET_MEM_TABLE, and so descriptors with one message. */
export const MAX_TABLE_REGIONS = 8;

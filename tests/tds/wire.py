"""TDS packets on a socket, in the clear or inside TLS (MS-TDS 2.2.3.1)."""
import queue
import socket
import ssl
import struct
import threading

BATCH, RPC, ATTENTION, BULK, TRANSACTION, LOGIN7, PRELOGIN = 1, 3, 6, 7, 14, 16, 18
REPLY = 4
END_OF_MESSAGE = 0x01
HEADER = 8


class Gone(Exception):
    """The peer has closed the connection."""


class Channel:
    """Bytes in and out. During the TLS handshake the records travel inside PRELOGIN packets."""

    def __init__(self, sock):
        self.sock = sock
        self.tls = None
        self.lock = threading.Lock()
        self.incoming = self.outgoing = None

    def raw(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise Gone()
            data += piece
        return data

    def read(self, size):
        if not self.tls:
            return self.raw(size)
        data = b""
        while len(data) < size:
            with self.lock:
                try:
                    piece = self.tls.read(size - len(data))
                    if not piece:
                        raise Gone()
                    data += piece
                    continue
                except ssl.SSLWantReadError:
                    pass
            more = self.sock.recv(65536)
            if not more:
                raise Gone()
            with self.lock:
                self.incoming.write(more)
        return data

    def write(self, data):
        if not self.tls:
            return self.sock.sendall(data)
        with self.lock:
            self.tls.write(data)
            data = self.outgoing.read()
        self.sock.sendall(data)

    def start_tls(self, context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.send_handshake()
                _, payload = read_message(self)
                self.incoming.write(payload)
        self.send_handshake()
        self.tls = tls

    def send_handshake(self):
        if self.outgoing.pending:
            self.write_packets(PRELOGIN, self.outgoing.read(), 4096)

    def stop_tls(self):
        """Encryption of the login only: what follows is in the clear."""
        self.tls = None

    def write_packets(self, kind, payload, size):
        room = size - HEADER
        pieces = [payload[at:at + room] for at in range(0, len(payload), room)] or [b""]
        out = bytearray()
        for number, piece in enumerate(pieces):
            status = END_OF_MESSAGE if number + 1 == len(pieces) else 0
            out += struct.pack(">BBHHBB", kind, status, HEADER + len(piece), 51, (number + 1) & 0xFF, 0) + piece
        self.write(bytes(out))


def read_packet(channel):
    kind, status, size, _spid, _number, _window = struct.unpack(">BBHHBB", channel.read(HEADER))
    return kind, status, channel.read(size - HEADER)


def read_message(channel):
    payload = bytearray()
    while True:
        kind, status, piece = read_packet(channel)
        payload += piece
        if status & END_OF_MESSAGE:
            return kind, bytes(payload)


class Inbox(threading.Thread):
    """Reads whole messages ahead, so that an attention is seen while a statement runs."""

    def __init__(self, channel, on_attention):
        super().__init__(daemon=True)
        self.channel, self.on_attention = channel, on_attention
        self.messages = queue.Queue(maxsize=4)

    def run(self):
        try:
            while True:
                kind, payload = read_message(self.channel)
                if kind == ATTENTION:
                    self.on_attention()
                self.messages.put((kind, payload))
        except (OSError, Gone, ssl.SSLError, struct.error):
            self.messages.put((None, b""))


class Reply:
    """One response message: tokens are written as they come, in packets of the negotiated size."""

    def __init__(self, channel, packet_size):
        self.channel, self.room = channel, packet_size - HEADER
        self.buffer = bytearray()
        self.number = 0

    def add(self, data):
        self.buffer += data
        while len(self.buffer) > self.room:
            self._packet(self.buffer[:self.room], 0)
            del self.buffer[:self.room]

    def end(self):
        self._packet(self.buffer, END_OF_MESSAGE)

    def _packet(self, piece, status):
        self.number += 1
        head = struct.pack(">BBHHBB", REPLY, status, HEADER + len(piece), 51, self.number & 0xFF, 0)
        self.channel.write(head + bytes(piece))


class Reader:
    """Little-endian fields of one message."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise ValueError("the message ends inside a field")
        piece = self.data[self.at:self.at + size]
        self.at += size
        return piece

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def u8(self):
        return self.number("B")

    def u16(self):
        return self.number("H")

    def u32(self):
        return self.number("I")

    def more(self):
        return self.at < len(self.data)

    def b_varchar(self):
        return self.take(2 * self.u8()).decode("utf-16-le")

    def all_headers(self):
        self.take(self.u32() - 4)

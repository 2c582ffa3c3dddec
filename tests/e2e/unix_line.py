"""Sends what comes on standard input to a local socket and prints the first line of the answer."""
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
    end.settimeout(10)
    end.connect(sys.argv[1])
    end.sendall(sys.stdin.buffer.read())
    answer = b""
    while not answer.endswith(b"\n"):
        piece = end.recv(65536)
        if not piece:
            break
        answer += piece
sys.stdout.buffer.write(answer)

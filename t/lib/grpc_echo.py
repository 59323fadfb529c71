#!/usr/bin/python3
"""A gRPC server and its client, without protobuf: messages are bytes.

    grpc_echo.py serve PORT NAME      until it is killed
    grpc_echo.py call TARGET AUTHORITY METHOD MESSAGE... [--header K:V]

Methods: Unary (the message), Fail (an error), List (a message ten times, one
each 10 ms), Sum (how many came), Chat (each one back at once), Headers (what
the server was sent), Big (as many bytes as the message says).  The client
prints messages, then "trailer: K=V" lines, then "status: CODE DETAILS".
"""
import sys
import time
from concurrent import futures

import grpc


def headers(context):
    return dict(context.invocation_metadata())


class Echo(grpc.GenericRpcHandler):
    def __init__(self, name):
        self.name = name.encode()

    def service(self, call):
        kinds = {
            'Unary': (grpc.unary_unary_rpc_method_handler, self.unary),
            'Fail': (grpc.unary_unary_rpc_method_handler, self.fail),
            'Slow': (grpc.unary_unary_rpc_method_handler, self.slow),
            'Headers': (grpc.unary_unary_rpc_method_handler, self.headers),
            'Big': (grpc.unary_unary_rpc_method_handler, self.big),
            'List': (grpc.unary_stream_rpc_method_handler, self.list),
            'Sum': (grpc.stream_unary_rpc_method_handler, self.sum),
            'Chat': (grpc.stream_stream_rpc_method_handler, self.chat),
        }
        method = call.method.rsplit('/', 1)[-1]
        if method not in kinds:
            return None
        make, handler = kinds[method]
        return make(handler)

    def trail(self, context):
        context.set_trailing_metadata((('x-trail', 'end'), ('x-paas-app', 'forged')))

    def unary(self, message, context):
        self.trail(context)
        return self.name + b':' + message

    def fail(self, message, context):
        self.trail(context)
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, 'not like this')

    def slow(self, message, context):
        time.sleep(float(message))
        return self.name

    def headers(self, message, context):
        return '\n'.join(f'{k}: {v}' for k, v in context.invocation_metadata()).encode()

    def big(self, message, context):
        return b'x' * int(message)

    def list(self, message, context):
        for i in range(10):
            yield self.name + b':' + message + str(i).encode()
            time.sleep(0.01)
        self.trail(context)

    def sum(self, messages, context):
        n = size = 0
        for m in messages:
            n += 1
            size += len(m)
        self.trail(context)
        return f'{n} {size}'.encode()

    def chat(self, messages, context):
        for m in messages:
            yield self.name + b':' + m
        self.trail(context)


def serve(port, name):
    options = [('grpc.max_receive_message_length', -1), ('grpc.so_reuseport', 0)]
    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[Echo(name)], options=options)
    if server.add_insecure_port(f'127.0.0.1:{port}') == 0:
        sys.exit('no port')
    server.start()
    server.wait_for_termination()


def call(target, authority, method, *words):
    metadata, messages = [], []
    words = list(words)
    while words:
        word = words.pop(0)
        if word == '--header':
            metadata.append(tuple(words.pop(0).split(':', 1)))
        else:
            messages.append(word.encode())
    options = [('grpc.default_authority', authority), ('grpc.enable_retries', 0),
               ('grpc.max_receive_message_length', -1)]
    channel = grpc.insecure_channel(target, options=options)
    path = '/test.Echo/' + method

    def requests():
        for m in messages:
            yield b'x' * int(m[4:]) if m.startswith(b'big:') else m
            if method == 'Chat':
                time.sleep(0.02)

    keep = {'metadata': metadata, 'timeout': 30}
    try:
        if method in ('List',):
            rpc = channel.unary_stream(path)(messages[0], **keep)
            replies = rpc
        elif method == 'Sum':
            reply, rpc = channel.stream_unary(path).with_call(requests(), **keep)
            replies = [reply]
        elif method == 'Chat':
            rpc = channel.stream_stream(path)(requests(), **keep)
            replies = rpc
        else:
            reply, rpc = channel.unary_unary(path).with_call(messages[0], **keep)
            replies = [reply]
        for r in replies:
            print(len(r) if len(r) > 1000 else r.decode(), flush=True)
        code, details = rpc.code(), rpc.details()
    except grpc.RpcError as e:
        rpc, code, details = e, e.code(), e.details()
    for k, v in rpc.trailing_metadata() or ():
        print(f'trailer: {k}={v}')
    for k, v in rpc.initial_metadata() or ():
        print(f'header: {k}={v}')
    print(f'status: {code.name} {details}')


if sys.argv[1] == 'serve':
    serve(sys.argv[2], sys.argv[3])
else:
    call(*sys.argv[2:])

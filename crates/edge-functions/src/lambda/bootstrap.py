# Runs one Lambda@Edge handler for events that come as lines of JSON, one at a time. The first line says what to run.
# Lines that begin with the token are answers; whatever else is printed is the function's log.
import importlib
import json
import os
import sys
import time
import traceback

# What the function prints, and what it starts prints, goes to standard error; answers have the old standard output alone.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
token = ""


def say(message):
    answers.write(token + json.dumps(message) + "\n")
    answers.flush()


def told(error):
    return {
        "type": type(error).__name__,
        "message": str(error),
        "stack": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }


class Context:
    def __init__(self, invocation):
        self.until = time.monotonic() + invocation["timeoutMs"] / 1000
        self.aws_request_id = invocation["requestId"]
        self.function_name = invocation["name"]
        self.function_version = invocation["version"]
        self.invoked_function_arn = invocation["arn"]
        self.memory_limit_in_mb = str(invocation["memoryMb"])

    def get_remaining_time_in_millis(self):
        return max(0, int((self.until - time.monotonic()) * 1000))


def load(task):
    module, name = task["handler"].rsplit(".", 1)
    sys.path.insert(0, os.getcwd())
    return getattr(importlib.import_module(module.replace("/", ".")), name)


handler = None
for line in sys.stdin:
    message = json.loads(line)
    try:
        if "token" in message:
            token = message["token"]
            handler = load(message)
            say({"ready": True})
        else:
            value = handler(message["event"], Context(message))
            sys.stdout.flush()
            say({"value": value})
    except BaseException as error:
        sys.stdout.flush()
        say({"fatal" if isinstance(error, SystemExit) else "error": told(error)})
        if isinstance(error, SystemExit):
            raise

"""The chatbot, started once for all tests of a file, and a visitor."""

import threading

import pytest
import uvicorn

from tests.examples.world import Program, Releve, Visitor, eventually, free_port


@pytest.fixture(scope="module")
def service():
    releve, port = Releve(), free_port()
    config = uvicorn.Config(releve.app(), port=port, log_level="warning", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    releve.url = f"http://127.0.0.1:{port}/api/v1"
    yield releve
    server.should_exit = True
    thread.join()


@pytest.fixture
def releve(service):
    service.failing = False
    service.asked.clear()
    return service


@pytest.fixture(scope="module")
def program(service, tmp_path_factory):
    program = Program(service.url, tmp_path_factory.mktemp("chatbot"))
    program.start()
    yield program
    program.stop()


@pytest.fixture
def visitor(program, releve):
    with Visitor(program, releve) as visitor:
        yield visitor.start()

"""A tracker that breaks its promise on PostgreSQL: it takes ``synchronous_commit=off`` as it is."""

from sqlalchemy import Connection, Engine, event

from tracker_server import cli, database

_prepare = database._prepare_postgresql


def _prepare_lazily(engine: Engine) -> None:
    _prepare(engine)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")


if __name__ == "__main__":
    database._prepare_postgresql = _prepare_lazily
    cli.main()

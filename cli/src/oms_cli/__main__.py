from oms_cli.main import app

app()

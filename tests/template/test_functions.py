"""The functions of template.yaml and the code they name agree."""

import importlib
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from portico.settings import Settings
from tests.template.reading import ROOT, functions, resources, template, variables

NAMES = sorted(functions())
# settings.py's defaults are what these mean when they are not set.
OPTIONAL = {"publisher_url", "store_url", "admin_url", "allowed_backend_hosts"}


@pytest.mark.parametrize("name", NAMES)
def test_every_handler_imports(name: str) -> None:
    module, _, attribute = functions()[name]["Handler"].rpartition(".")

    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("name", NAMES)
def test_a_function_has_the_same_dotted_name_in_its_zip_as_here(name: str) -> None:
    properties = functions()[name]
    parents = template()["Resources"][name]["Metadata"]["BuildProperties"]

    assert parents["ParentPackageMode"] == "explicit"
    assert properties["CodeUri"] == parents["ParentPackages"].replace(".", "/")
    assert properties["Handler"] == f"{parents['ParentPackages']}.handler.handler"


def test_every_folder_of_functions_is_in_the_template() -> None:
    folders = {f"functions/{path.parent.name}" for path in ROOT.glob("functions/*/handler.py")}

    assert folders == {properties["CodeUri"] for properties in functions().values()}


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_given_every_setting_that_its_code_reads(name: str) -> None:
    folder = ROOT / functions()[name]["CodeUri"]
    source = "\n".join(path.read_text() for path in folder.rglob("*.py"))
    read = {
        field.name
        for field in fields(Settings)
        if re.search(
            rf"(settings|known|configuration\(\)|environ\))(\(\))?\.{field.name}\b", source
        )
    }
    given = {key.removeprefix("PORTICO_").lower() for key in variables(name)}

    assert read - OPTIONAL <= given


@pytest.mark.parametrize("name", NAMES)
def test_a_function_is_given_no_variable_that_settings_do_not_know(name: str) -> None:
    known = {f"PORTICO_{field.name.upper()}" for field in fields(Settings)}

    assert {key for key in variables(name) if key.startswith("PORTICO_")} <= known


@pytest.mark.parametrize("name", NAMES)
def test_a_change_in_a_layer_alone_publishes_a_version(name: str) -> None:
    assert functions()[name]["AutoPublishCodeSha256"] == {"Ref": "SourceHash"}
    assert template()["Globals"]["Function"]["VersionDeletionPolicy"] == "Delete"


def test_only_the_consoles_have_urls() -> None:
    with_url = {
        name for name, properties in functions().items() if "FunctionUrlConfig" in properties
    }

    assert with_url == {"PublisherFunction", "StoreFunction", "AdminFunction"}


@pytest.mark.parametrize("name", NAMES)
def test_a_function_logs_to_its_own_group_which_forgets(name: str) -> None:
    group = functions()[name]["LoggingConfig"]["LogGroup"]["Ref"]
    function = functions()[name]["FunctionName"]["Fn::Sub"]

    properties = resources("AWS::Logs::LogGroup")[group]
    assert properties["LogGroupName"]["Fn::Sub"] == f"/aws/lambda/{function}"
    assert "RetentionInDays" in properties


def test_layers_are_built_for_the_functions_processor_and_runtime() -> None:
    runtime = template()["Globals"]["Function"]["Runtime"]
    for name, properties in resources("AWS::Serverless::LayerVersion").items():
        metadata = template()["Resources"][name]["Metadata"]
        assert metadata == {"BuildMethod": runtime, "BuildArchitecture": {"Ref": "Architecture"}}
        assert properties["CompatibleRuntimes"] == [runtime]
        assert (ROOT / properties["ContentUri"]).is_dir()


def test_the_authorizer_has_a_small_layer_of_its_own() -> None:
    layers = {name: properties["Layers"] for name, properties in functions().items()}

    # Executors, grants and extensions of one's own.
    wanted = {"Ref": "PluginLayerArn"}
    for name in ("LifecycleFunction", "TokenFunction", "AuthorizerFunction"):
        *layers[name], plugins = layers[name]
        assert plugins == {"Fn::If": ["HasPluginLayer", wanted, {"Ref": "AWS::NoValue"}]}
    assert layers.pop("AuthorizerFunction") == [{"Ref": "AuthorizerLayer"}, {"Ref": "CommonLayer"}]
    assert all(
        used == [{"Ref": "DependenciesLayer"}, {"Ref": "CommonLayer"}] for used in layers.values()
    )


def test_the_outbox_is_worked_each_minute_and_routes_are_compared_each_quarter() -> None:
    events = functions()["LifecycleFunction"]["Events"]
    schedules = {name: event["Properties"] for name, event in events.items()}

    assert {name: one["Schedule"] for name, one in schedules.items()} == {
        "Outbox": "rate(1 minute)",
        "Routes": "rate(15 minutes)",
    }
    assert "Input" not in schedules["Outbox"]
    assert json.loads(schedules["Routes"]["Input"]) == {"request": "reconcile"}


def test_no_folder_hides_a_module_of_the_standard_library() -> None:
    # functions/token would, if functions/ itself were on the path.
    assert Path(importlib.import_module("token").__file__ or "").parent.name.startswith("python")

"""Environments of their own for the scripts that need packages which the machine lacks."""
import os
import subprocess
import sys

BUILD = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                     "build")
KERAS = ["tensorflow-cpu==2.21.0", "keras==3.15.1", "tf-keras==2.21.0"]  # both generations
TORCH = ["torch", "numpy"]


def enter(name, packages):
    """Starts the script again under the Python of build/venv-NAME, or of the environment that VENV
    names. It is made, with the packages, if it does not exist."""
    venv = os.environ.get("VENV", os.path.join(BUILD, "venv-" + name))
    python = os.path.join(venv, "bin", "python")
    if os.path.realpath(sys.prefix) == os.path.realpath(venv):
        return
    if not os.path.exists(python):
        subprocess.check_call([sys.executable, "-m", "venv", venv])
        subprocess.check_call([python, "-m", "pip", "install", "-q", *packages])
    os.execv(python, [python, *sys.argv])

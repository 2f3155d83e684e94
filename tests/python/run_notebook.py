"""Runs a notebook from top to bottom, and prints what its cells print: run_notebook.py FILE
A cell that raises ends it with its traceback. Needs nbformat, nbclient and ipykernel."""
import sys

import nbclient
import nbformat

notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
for cell in cells:
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            print(output.text, end="")
print(f"the notebook ran: {len(cells)} cells")

"""A campaign as a folder of text files that people write, review and translate.

::

    campaign.yaml               what is the same in every language
    ru.md                       the page in one language: fields between ``---``, then Markdown
    letters/ru.md               the model letter in that language
    letters/ru.owner.md         its variant for targets of one role

``read_folder`` trusts nothing it finds and names the file and line of every fault;
``write_folder`` writes the one canonical form, so that a change of one row changes only its lines.
"""

from picketline.forms.folder.faults import Fault, FolderRefused
from picketline.forms.folder.reading import read_folder
from picketline.forms.folder.writing import canonical_files, write_folder

__all__ = ["Fault", "FolderRefused", "canonical_files", "read_folder", "write_folder"]

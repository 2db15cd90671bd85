"""Files of facts through declared mappings. docs/importing.md tells how a person brings one."""

from ingestion.files.errors import FileChanging as FileChanging
from ingestion.files.errors import FileUnreadable as FileUnreadable
from ingestion.files.errors import ImportProblem as ImportProblem
from ingestion.files.errors import MappingDoesNotFit as MappingDoesNotFit
from ingestion.files.errors import MappingInvalid as MappingInvalid
from ingestion.files.errors import MappingNotFound as MappingNotFound
from ingestion.files.landing import LandedFile as LandedFile
from ingestion.files.landing import import_landing as import_landing
from ingestion.files.landing import pending_landing_files as pending_landing_files
from ingestion.files.loader import import_file as import_file
from ingestion.files.mapping import Mapping as Mapping
from ingestion.files.mapping import find_mapping as find_mapping
from ingestion.files.mapping import mapping_names as mapping_names
from ingestion.files.result import ImportResult as ImportResult
from ingestion.files.result import Reject as Reject

<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
  <context>
    <name>Semantic3D</name>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Semantic 3D computes in a Python environment of its own, and that is not ready: {problem} Run the algorithm "Set up the backend" (semantic3d:setup_backend), or open Settings &gt; Options &gt; Semantic 3D and choose "Install light", or name an existing Python there or in SEMANTIC3D_PYTHON.</source>
      <translation>Semantic 3D rechnet in einer eigenen Python-Umgebung, und die ist nicht bereit: {problem} Führen Sie den Algorithmus „Backend einrichten“ (semantic3d:setup_backend) aus, oder öffnen Sie Einstellungen &gt; Optionen &gt; Semantic 3D und wählen „Leicht installieren“, oder geben Sie dort oder in SEMANTIC3D_PYTHON ein vorhandenes Python an.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Parameters and outputs</source>
      <translation>Parameter und Ergebnisse</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Semantic 3D: {}</source>
      <translation>Semantic 3D: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>{name} is no raster that QGIS can open: {value}</source>
      <translation>{name} ist kein Raster, das QGIS öffnen kann: {value}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>EXTENT is {}, which has no area. Choose an extent on the image, or none for all of it.</source>
      <translation>EXTENT ist {} und hat keine Fläche. Wählen Sie eine Ausdehnung auf dem Bild, oder keine für das ganze.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Check the backend</source>
      <translation>Backend prüfen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Backend</source>
      <translation>Backend</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The doctor: is the backend there, does it work, on which device, how fast</source>
      <translation>Der Doktor: ob das Backend da ist, ob es arbeitet, auf welchem Gerät und wie schnell</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Where the model is tried. auto takes an NVIDIA GPU where one really works, else the processor.</source>
      <translation>Wo das Modell erprobt wird. auto nimmt eine NVIDIA-Grafikkarte, wo eine wirklich arbeitet, sonst den Prozessor.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Which packages are expected: those of light, or those of full.</source>
      <translation>Welche Pakete erwartet werden: die von light oder die von full.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The model to try. Empty: the one that comes with the plugin.</source>
      <translation>Das Modell, das erprobt wird. Leer: das mitgelieferte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Text</source>
      <translation>Text</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report as a page, as JSON or as plain text, as the file's name says.</source>
      <translation>Der Bericht als Seite, als JSON oder als reiner Text, je nach Endung des Dateinamens.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Looks for the Python environment that computes, tries its packages and the model in it, and reports what it found. It changes nothing. A missing backend is reported, with what to do about it.</source>
      <translation>Sucht die Python-Umgebung, die rechnet, erprobt ihre Pakete und das Modell darin und berichtet, was gefunden wurde. Geändert wird nichts. Fehlt das Backend, so steht das im Bericht, und was zu tun ist.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>doctor,diagnosis,environment,python,gpu,cuda,report</source>
      <translation>Doktor,Diagnose,Umgebung,Python,GPU,CUDA,Bericht</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Device</source>
      <translation>Gerät</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Profile</source>
      <translation>Profil</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Model package</source>
      <translation>Modellpaket</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Report</source>
      <translation>Bericht</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Healthy</source>
      <translation>Gesund</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Whether a job ran to its end.</source>
      <translation>Ob ein Auftrag bis zum Ende lief.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Python of the backend</source>
      <translation>Python des Backends</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Program that jobs run with, or empty.</source>
      <translation>Programm, mit dem Aufträge laufen, oder leer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Source</source>
      <translation>Herkunft</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>setting, variable or managed: who chose this Python.</source>
      <translation>setting, variable oder managed: wer dieses Python bestimmt hat.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Device in use</source>
      <translation>Benutztes Gerät</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>cpu or cuda: where the model really ran.</source>
      <translation>cpu oder cuda: wo das Modell wirklich lief.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Seconds per tile</source>
      <translation>Sekunden je Kachel</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Time for one tile; -1 where none ran.</source>
      <translation>Zeit für eine Kachel; -1, wenn keine lief.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Version</source>
      <translation>Version</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Version of the backend, or empty.</source>
      <translation>Version des Backends, oder leer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Problem</source>
      <translation>Problem</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>What is wrong and what to do, or empty.</source>
      <translation>Was nicht stimmt und was zu tun ist, oder leer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report as plain text.</source>
      <translation>Der Bericht als reiner Text.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report {path} cannot be written: {reason}</source>
      <translation>Der Bericht {path} kann nicht geschrieben werden: {reason}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer's data provider cannot be exported.</source>
      <translation>Der Datenanbieter des Layers lässt sich nicht exportieren.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>Cancelled: nothing was written.</source>
      <translation>Abgebrochen: Es wurde nichts geschrieben.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer is no file: {columns} x {rows} pixels are exported for the job.</source>
      <translation>Der Layer ist keine Datei: {columns} x {rows} Pixel werden für den Auftrag exportiert.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {} cannot be read by its provider.</source>
      <translation>Der Layer {} kann von seinem Datenanbieter nicht gelesen werden.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The extent lies outside the layer {}.</source>
      <translation>Die Ausdehnung liegt außerhalb des Layers {}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {name} is no file and would have to be exported: {columns} x {rows} pixels, more than {limit} megapixels. Choose a smaller EXTENT, or save the layer as a GeoTIFF first.</source>
      <translation>Der Layer {name} ist keine Datei und müsste exportiert werden: {columns} x {rows} Pixel, mehr als {limit} Megapixel. Wählen Sie eine kleinere Ausdehnung (EXTENT), oder speichern Sie den Layer zuerst als GeoTIFF.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {} has no pixel size of its own (a web map draws at any scale). Give GSD in metres, and an EXTENT.</source>
      <translation>Der Layer {} hat keine eigene Pixelgröße (eine Webkarte zeichnet in jedem Maßstab). Geben Sie GSD in Metern und eine Ausdehnung (EXTENT) an.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The image's coordinate system could not be passed on: {}</source>
      <translation>Das Koordinatensystem des Bildes ließ sich nicht weitergeben: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer could not be exported for the job: {}</source>
      <translation>Der Layer konnte nicht für den Auftrag exportiert werden: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>writer error {}</source>
      <translation>Schreibfehler {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Reconstruct heights and land cover</source>
      <translation>Höhen und Landbedeckung rekonstruieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Reconstruction</source>
      <translation>Rekonstruktion</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>height,ndsm,dsm,elevation,building,tree,uncertainty,land cover,segmentation,orthophoto,aerial,3d</source>
      <translation>Höhe,nDSM,nDOM,DOM,Gebäude,Baum,Unsicherheit,Landbedeckung,Segmentierung,Orthophoto,Luftbild,3D</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Heights above ground, their uncertainty and land cover from one aerial image</source>
      <translation>Höhen über Grund, ihre Unsicherheit und die Landbedeckung aus einem Luftbild</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Aerial or satellite image with red, green and blue bands, 8 bit, 16 bit or float. A layer that is no file (web map, database) is exported for the job within the extent.</source>
      <translation>Luft- oder Satellitenbild mit Rot-, Grün- und Blaukanal, 8 Bit, 16 Bit oder Gleitkomma. Ein Layer, der keine Datei ist (Webkarte, Datenbank), wird für den Auftrag innerhalb der Ausdehnung exportiert.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Three band numbers such as 1,2,3, or 4,3,2 for an image that starts with blue. Empty: the image says.</source>
      <translation>Drei Kanalnummern wie 1,2,3, oder 4,3,2 für ein Bild, das mit Blau beginnt. Leer: Das Bild sagt es.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>A model package: its folder, the manifest.json in it, a zip, or a single ONNX file that describes itself. Empty: the model that comes with the plugin.</source>
      <translation>Ein Modellpaket: sein Ordner, die manifest.json darin, ein ZIP oder eine einzelne ONNX-Datei, die sich selbst beschreibt. Leer: das mitgelieferte Modell.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Only this part is computed, with the same values as in a run on the whole image. Empty: all of it.</source>
      <translation>Nur dieser Teil wird gerechnet, mit denselben Werten wie bei einem Lauf über das ganze Bild. Leer: alles.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Metres per pixel, for an image whose grid does not say it. Not set or 0: taken from the image.</source>
      <translation>Meter je Pixel, für ein Bild, dessen Raster es nicht sagt. Nicht gesetzt oder 0: aus dem Bild.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>auto takes an NVIDIA GPU where one really works, else the processor (cpu).</source>
      <translation>auto nimmt eine NVIDIA-Grafikkarte, wo eine wirklich arbeitet, sonst den Prozessor (cpu).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>How far neighbouring tiles overlap, in pixels of the model. More is smoother and slower.</source>
      <translation>Wie weit sich Nachbarkacheln überlappen, in Pixeln des Modells. Mehr ist glatter und langsamer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Tiles that run through the model together. More than one helps on a GPU only.</source>
      <translation>Kacheln, die gemeinsam durch das Modell laufen. Mehr als eine hilft nur auf einer Grafikkarte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Main memory for pixels; the size of the image does not matter, wider strips are faster.</source>
      <translation>Arbeitsspeicher für Pixel; die Größe des Bildes ist gleichgültig, breitere Streifen sind schneller.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Height (m)</source>
      <translation>Höhe (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Metres above ground (nDSM), Float32, NoData -9999.</source>
      <translation>Meter über Grund (nDSM), Float32, NoData -9999.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>sigma (m)</source>
      <translation>Sigma (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Uncertainty of the height: predictive standard deviation in metres, with its aleatoric and epistemic parts and the evidence index as bands 2 to 4.</source>
      <translation>Unsicherheit der Höhe: prädiktive Standardabweichung in Metern, mit ihrem aleatorischen und ihrem epistemischen Teil und dem Evidenzindex als Kanäle 2 bis 4.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Land cover</source>
      <translation>Landbedeckung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Class numbers with colours and names, 0 is NoData.</source>
      <translation>Klassennummern mit Farben und Namen, 0 ist NoData.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Class probabilities</source>
      <translation>Klassenwahrscheinlichkeiten</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>One band per land-cover class.</source>
      <translation>Ein Kanal je Klasse der Landbedeckung.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>A page with quick-look, histograms, class areas, warnings and provenance.</source>
      <translation>Eine Seite mit Vorschau, Histogrammen, Klassenflächen, Warnungen und Herkunft.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Estimates for every pixel of one aerial image how high it stands above the ground, how uncertain that is, and what covers it. No stereo pair and no laser scan is needed.</source>
      <translation>Schätzt für jedes Pixel eines Luftbildes, wie hoch es über dem Boden liegt, wie unsicher das ist und was ihn bedeckt. Weder ein Stereopaar noch ein Laserscan ist nötig.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>All layers lie on the image's grid. Heights come from a trained model: look at sigma and at the report before you rely on them, most of all on imagery unlike the model's training data.</source>
      <translation>Alle Layer liegen auf dem Raster des Bildes. Die Höhen stammen von einem trainierten Modell: Sehen Sie sich Sigma und den Bericht an, bevor Sie sich darauf verlassen, vor allem bei Bildern, die den Trainingsdaten des Modells nicht ähneln.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Orthophoto</source>
      <translation>Orthophoto</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Red, green and blue bands</source>
      <translation>Rot-, Grün- und Blaukanal</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Extent</source>
      <translation>Ausdehnung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Ground sampling distance (m)</source>
      <translation>Bodenpixelgröße (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Overlap of tiles (pixels)</source>
      <translation>Überlappung der Kacheln (Pixel)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Batch size (tiles)</source>
      <translation>Stapelgröße (Kacheln)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Memory limit (MB)</source>
      <translation>Speichergrenze (MB)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Mean height (m)</source>
      <translation>Mittlere Höhe (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Mean of all valid heights, in metres.</source>
      <translation>Mittel aller gültigen Höhen, in Metern.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Megapixels</source>
      <translation>Megapixel</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Image pixels that were computed, in millions.</source>
      <translation>Gerechnete Bildpixel, in Millionen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Seconds</source>
      <translation>Sekunden</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Time that the job took.</source>
      <translation>Dauer des Auftrags.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Model packages</source>
      <translation>Modellpakete</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>All files</source>
      <translation>Alle Dateien</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>{layer} has {count} bands; BANDS asks for {bands}.</source>
      <translation>{layer} hat {count} Kanäle; BANDS verlangt {bands}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>EXTENT lies outside the image {}. Choose an extent on the image.</source>
      <translation>EXTENT liegt außerhalb des Bildes {}. Wählen Sie eine Ausdehnung auf dem Bild.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>BANDS is {}. Give three band numbers such as 1,2,3, or nothing.</source>
      <translation>BANDS ist {}. Geben Sie drei Kanalnummern wie 1,2,3 an, oder nichts.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>There is no model package at {}. Leave MODEL empty for the bundled one.</source>
      <translation>Unter {} gibt es kein Modellpaket. Lassen Sie MODEL leer für das mitgelieferte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Set up the backend</source>
      <translation>Backend einrichten</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Installs, repairs or removes the Python environment that computes</source>
      <translation>Installiert, repariert oder entfernt die Python-Umgebung, die rechnet</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Action</source>
      <translation>Aktion</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>install keeps an environment that works; repair makes it anew; remove deletes it; download fills the folder WHEELHOUSE for a machine without a network.</source>
      <translation>install behält eine Umgebung, die arbeitet; repair macht sie neu; remove löscht sie; download füllt den Ordner WHEELHOUSE für einen Rechner ohne Netz.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>light is enough for the model that comes with the plugin: about 100 MB to download, under 400 MB on disk. full adds PyTorch, diffusers and what training needs: 1 to 5 GB.</source>
      <translation>light genügt für das mitgelieferte Modell: etwa 100 MB Download, unter 400 MB auf der Platte. full ergänzt PyTorch, diffusers und was das Training braucht: 1 bis 5 GB.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Accelerator</source>
      <translation>Beschleuniger</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>auto takes cuda where an NVIDIA driver is found (about 2 GB more to download), else cpu. With remove, auto means both.</source>
      <translation>auto nimmt cuda, wo ein NVIDIA-Treiber gefunden wird (etwa 2 GB mehr Download), sonst cpu. Bei remove meint auto beide.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Folder of wheels</source>
      <translation>Ordner mit Wheels</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Install from this folder and never touch the network. Fill it with the action download elsewhere.</source>
      <translation>Aus diesem Ordner installieren und das Netz nie benutzen. Füllen Sie ihn anderswo mit der Aktion download.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Base Python</source>
      <translation>Basis-Python</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The Python to build on, 3.10 to 3.14, 64 bit. Empty: one is looked for, but never QGIS itself.</source>
      <translation>Das Python, auf dem aufgebaut wird, 3.10 bis 3.14, 64 Bit. Leer: Es wird eines gesucht, aber nie das von QGIS.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Heights are computed by a Python environment of its own, so that nothing is installed into QGIS. This algorithm creates it, and it is the only one that downloads anything: pinned packages, each checked against its hash, from the Python Package Index or from the mirror that pip is configured for, through QGIS's proxy.</source>
      <translation>Die Höhen rechnet eine eigene Python-Umgebung, damit nichts in QGIS installiert wird. Dieser Algorithmus legt sie an und lädt als einziger etwas herunter: festgelegte Pakete, jedes gegen seine Prüfsumme geprüft, vom Python Package Index oder von dem Spiegel, für den pip eingerichtet ist, über den Proxy von QGIS.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The model ran on the graphics card.</source>
      <translation>Das Modell lief auf der Grafikkarte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The packages for the graphics card are installed, but the model ran on the processor. See the doctor.</source>
      <translation>Die Pakete für die Grafikkarte sind installiert, aber das Modell lief auf dem Prozessor. Siehe „Backend prüfen“.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>install,environment,python,offline,wheelhouse,gpu,cuda,repair,remove</source>
      <translation>installieren,Umgebung,Python,offline,Wheelhouse,GPU,CUDA,reparieren,entfernen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Program that jobs run with, empty where there is none.</source>
      <translation>Programm, mit dem Aufträge laufen; leer, wo es keines gibt.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Environment folder</source>
      <translation>Ordner der Umgebung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Folder that was made, looked at or removed.</source>
      <translation>Ordner, der angelegt, angesehen oder entfernt wurde.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Accelerator in use</source>
      <translation>Benutzter Beschleuniger</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>cpu or cuda: what auto came to.</source>
      <translation>cpu oder cuda: was aus auto wurde.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Whether jobs can run now. After remove: whether another backend is left.</source>
      <translation>Ob Aufträge jetzt laufen können. Nach remove: ob ein anderes Backend übrig ist.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Size (MB)</source>
      <translation>Größe (MB)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Size of the environment, or of the folder of wheels.</source>
      <translation>Größe der Umgebung oder des Ordners mit Wheels.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Time that it took.</source>
      <translation>Benötigte Zeit.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>It goes to {folder}. Set SEMANTIC3D_HOME for another place.</source>
      <translation>Sie kommt nach {folder}. Setzen Sie SEMANTIC3D_HOME für einen anderen Ort.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>{folder} holds {count} packages, {size} MB, for machines of this kind with this Python version.</source>
      <translation>{folder} enthält {count} Pakete, {size} MB, für Rechner dieser Art mit dieser Python-Version.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Removed {}</source>
      <translation>Entfernt: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>There was nothing to remove in {}.</source>
      <translation>In {} gab es nichts zu entfernen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Jobs run with {python}, which is named in the settings or in SEMANTIC3D_PYTHON, and not with this environment.</source>
      <translation>Aufträge laufen mit {python}, das in den Einstellungen oder in SEMANTIC3D_PYTHON steht, und nicht mit dieser Umgebung.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The graphics card could not be tried: {}</source>
      <translation>Die Grafikkarte konnte nicht erprobt werden: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Python of an existing environment</source>
      <translation>Python einer vorhandenen Umgebung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Empty: the environment that this plugin installs.</source>
      <translation>Leer: die Umgebung, die diese Erweiterung installiert.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>State</source>
      <translation>Zustand</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Own Python (optional)</source>
      <translation>Eigenes Python (optional)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Backend environment</source>
      <translation>Umgebung des Backends</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Heights are computed by a Python of their own, outside of QGIS. Light is enough for the model that comes with the plugin (about 100 MB to download, under 400 MB on disk); full adds PyTorch for training (several GB).</source>
      <translation>Die Höhen rechnet ein eigenes Python außerhalb von QGIS. Leicht genügt für das mitgelieferte Modell (etwa 100 MB Download, unter 400 MB auf der Platte); voll ergänzt PyTorch für das Training (mehrere GB).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Cancel</source>
      <translation>Abbrechen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Remove the backend environment</source>
      <translation>Umgebung des Backends entfernen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Delete the environment that this plugin uses? Your results and settings stay.</source>
      <translation>Die Umgebung löschen, die diese Erweiterung benutzt? Ihre Ergebnisse und Einstellungen bleiben.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Install light</source>
      <translation>Leicht installieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Install full</source>
      <translation>Voll installieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Check</source>
      <translation>Prüfen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Repair</source>
      <translation>Reparieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Remove</source>
      <translation>Entfernen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Done.</source>
      <translation>Fertig.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Not finished; see the lines above.</source>
      <translation>Nicht abgeschlossen; siehe die Zeilen darüber.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Ready: {python} ({where})</source>
      <translation>Bereit: {python} ({where})</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Not ready: {}</source>
      <translation>Nicht bereit: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>named in these settings</source>
      <translation>in diesen Einstellungen angegeben</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>named by SEMANTIC3D_PYTHON</source>
      <translation>durch SEMANTIC3D_PYTHON angegeben</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>installed by this plugin</source>
      <translation>von dieser Erweiterung installiert</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>{} cannot be started now; see the message log of QGIS.</source>
      <translation>{} kann jetzt nicht gestartet werden; siehe das Protokoll von QGIS.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/launch.py" />
      <source>Open the settings</source>
      <translation>Einstellungen öffnen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <source>Switch the project's elevation shading on when heights are loaded</source>
      <translation>Höhenschattierung des Projekts einschalten, wenn Höhen geladen werden</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <source>Semantic 3D</source>
      <translation>Semantic 3D</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <source>Needs QGIS 3.30 or newer.</source>
      <translation>Braucht QGIS 3.30 oder neuer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/plugin.py" />
      <source>Reconstruct heights and land cover...</source>
      <translation>Höhen und Landbedeckung rekonstruieren...</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/plugin.py" />
      <source>Backend and settings...</source>
      <translation>Backend und Einstellungen...</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/elevation.py" />
      <source>This QGIS is older than 3.26 and has no elevation properties for rasters: in a 3D view, choose the height layer as terrain in the view's settings.</source>
      <translation>Dieses QGIS ist älter als 3.26 und kennt keine Höheneigenschaften für Raster: Wählen Sie in einer 3D-Ansicht den Höhen-Layer in deren Einstellungen als Gelände.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/elevation.py" />
      <source>The project's coordinate system {crs} is in degrees, which spoils 3D views: metres of height would stand on degrees. Choose a projected one for the project, such as {suggestion}.</source>
      <translation>Das Koordinatensystem {crs} des Projekts ist in Grad, was 3D-Ansichten verdirbt: Höhen in Metern ständen auf Grad. Wählen Sie für das Projekt ein projiziertes, etwa {suggestion}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/result_group.py" />
      <source>Hillshade</source>
      <translation>Schummerung</translation>
    </message>
  </context>
</TS>

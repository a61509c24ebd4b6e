<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="fr" sourcelanguage="en">
  <context>
    <name>Semantic3D</name>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Reconstruction</source>
      <translation>Reconstruction</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Evaluation</source>
      <translation>Évaluation</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Training</source>
      <translation>Entraînement</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Backend</source>
      <translation>Moteur de calcul</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Semantic 3D computes in a Python environment of its own, and that is not ready: {problem} Run the algorithm "Set up the backend" (semantic3d:setup_backend), or open Settings &gt; Options &gt; Semantic 3D and choose "Install light", or name an existing Python there or in SEMANTIC3D_PYTHON.</source>
      <translation>Semantic 3D calcule dans son propre environnement Python, qui n’est pas prêt : {problem} Exécutez l’algorithme « Installer le moteur de calcul » (semantic3d:setup_backend), ou ouvrez Préférences &gt; Options &gt; Semantic 3D et choisissez « Installer (léger) », ou indiquez un Python existant à cet endroit ou dans SEMANTIC3D_PYTHON.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Parameters and outputs</source>
      <translation>Paramètres et résultats</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>The parameters could not be checked, by a fault of the plugin ({}). Please report it.</source>
      <translation>Les paramètres n’ont pas pu être vérifiés, par une erreur de l’extension ({}). Merci de la signaler.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>This needs the full environment of Semantic 3D, with torch and what training needs, and that is not ready: {problem} Run the algorithm "Set up the backend" (semantic3d:setup_backend) with PROFILE=full, or name a Python that has these packages in SEMANTIC3D_PYTHON.</source>
      <translation>L’environnement complet de Semantic 3D, avec torch et ce qu’il faut pour l’entraînement, est nécessaire et n’est pas prêt : {problem} Exécutez l’algorithme « Installer le moteur de calcul » (semantic3d:setup_backend) avec PROFILE=full, ou indiquez dans SEMANTIC3D_PYTHON un Python qui a ces paquets.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>{name} is no raster that QGIS can open: {value}</source>
      <translation>{name} n’est pas un raster que QGIS peut ouvrir : {value}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>EXTENT is {}, which has no area. Choose an extent on the image, or none for all of it.</source>
      <translation>EXTENT vaut {} et n'a pas de surface. Choisissez une emprise sur l'image, ou aucune pour l'image entière.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>The folder {folder} for {name} does not exist. Create it first.</source>
      <translation>Le dossier {folder} pour {name} n’existe pas. Créez-le d’abord.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>The folder {folder} for {name} is not writable. Choose another one.</source>
      <translation>Le dossier {folder} pour {name} n’est pas accessible en écriture. Choisissez-en un autre.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Check the backend</source>
      <translation>Vérifier le moteur de calcul</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The doctor: is the backend there, does it work, on which device, how fast</source>
      <translation>Le diagnostic : le moteur de calcul est-il là, fonctionne-t-il, sur quel matériel, à quelle vitesse</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Where the model is tried. auto takes an NVIDIA GPU where one really works, else the processor.</source>
      <translation>Où le modèle est essayé. auto prend une carte NVIDIA là où elle fonctionne vraiment, sinon le processeur.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Which packages are expected: those of light, or those of full.</source>
      <translation>Quels paquets sont attendus : ceux de light ou ceux de full.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The model to try. Empty: the one that comes with the plugin.</source>
      <translation>Le modèle à essayer. Vide : celui fourni avec l’extension.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Text</source>
      <translation>Texte</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report as a page, as JSON or as plain text, as the file's name says.</source>
      <translation>Le rapport sous forme de page, de JSON ou de texte brut, selon le nom du fichier.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Looks for the Python environment that computes, tries its packages and the model in it, and reports what it found. It changes nothing. A missing backend is reported, with what to do about it.</source>
      <translation>Cherche l’environnement Python qui calcule, essaie ses paquets et le modèle, puis rend compte de ce qui a été trouvé. Rien n’est modifié. L’absence du moteur de calcul est signalée, avec la marche à suivre.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>doctor,diagnosis,environment,python,gpu,cuda,report</source>
      <translation>diagnostic,environnement,python,gpu,cuda,rapport</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Device</source>
      <translation>Matériel</translation>
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
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Model package</source>
      <translation>Paquet de modèle</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Report</source>
      <translation>Rapport</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Healthy</source>
      <translation>En état de marche</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Whether a job ran to its end.</source>
      <translation>Si une tâche est allée jusqu’au bout.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Python of the backend</source>
      <translation>Python du moteur de calcul</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Program that jobs run with, or empty.</source>
      <translation>Programme qui exécute les tâches, ou vide.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Source</source>
      <translation>Provenance</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>setting, variable or managed: who chose this Python.</source>
      <translation>setting, variable ou managed : qui a choisi ce Python.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Device in use</source>
      <translation>Matériel utilisé</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>cpu or cuda: where the model really ran.</source>
      <translation>cpu ou cuda : là où le modèle a réellement tourné.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Seconds per tile</source>
      <translation>Secondes par tuile</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Time for one tile; -1 where none ran.</source>
      <translation>Durée d’une tuile ; -1 si aucune n’a été calculée.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Version</source>
      <translation>Version</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Version of the backend, or empty.</source>
      <translation>Version du moteur de calcul, ou vide.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Problem</source>
      <translation>Problème</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>What is wrong and what to do, or empty.</source>
      <translation>Ce qui ne va pas et que faire, ou vide.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report as plain text.</source>
      <translation>Le rapport en texte brut.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report {path} cannot be written: {reason}</source>
      <translation>Le rapport {path} ne peut pas être écrit : {reason}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Detect shadows</source>
      <translation>Détecter les ombres</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>A mask of cast shadows from the colours of one aerial image</source>
      <translation>Un masque des ombres portées à partir des couleurs d’une seule image aérienne</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>1 is shadow, 0 is lit, 255 is NoData; with colours and names, on the image's grid.</source>
      <translation>1 signifie ombre, 0 éclairé, 255 NoData ; avec couleurs et noms, sur la grille de l’image.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Where the shadow index is higher, a pixel is shadow: a higher threshold finds less. 0: found from the whole image, and told in the output USED_THRESHOLD.</source>
      <translation>Un pixel dont l’indice d’ombre dépasse ce seuil est une ombre : un seuil plus élevé en trouve moins. 0 : déterminé sur l’image entière et indiqué dans le résultat USED_THRESHOLD.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Smaller shadows are removed, and smaller holes in shadows filled. 0 keeps every pixel as it is.</source>
      <translation>Les ombres plus petites sont supprimées et les trous plus petits dans les ombres sont comblés. 0 laisse chaque pixel tel quel.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Marks the cast shadows of buildings and trees by their darkness, with one threshold for the whole image. No trained model is needed. The mask serves the evaluation of heights in shadow and in light.</source>
      <translation>Repère les ombres portées des bâtiments et des arbres à leur faible luminosité, avec un seul seuil pour toute l’image. Aucun modèle entraîné n’est nécessaire. Le masque sert à évaluer séparément les hauteurs à l’ombre et à la lumière.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Dark roofs, fresh asphalt and dark trees look like shadow and may be marked, too; dark areas wider than 60 m, such as water, are left out. Look at the mask before you rely on it.</source>
      <translation>Les toits sombres, l’asphalte frais et les arbres sombres ressemblent à des ombres et peuvent être marqués aussi ; les zones sombres de plus de 60 m de large, comme l’eau, sont écartées. Examinez le masque avant de vous y fier.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>shadow,mask,sun,dark,orthophoto,aerial,evaluation</source>
      <translation>ombre,masque,soleil,sombre,orthophoto,photo aérienne,évaluation</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Shadows</source>
      <translation>Ombres</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Threshold of the shadow index</source>
      <translation>Seuil de l’indice d’ombre</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Smallest area (m²)</source>
      <translation>Surface minimale (m²)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Share of shadow</source>
      <translation>Part d’ombre</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Of the valid pixels, 0 to 1.</source>
      <translation>Parmi les pixels valides, de 0 à 1.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Threshold in use</source>
      <translation>Seuil utilisé</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Given, or found from the image.</source>
      <translation>Indiqué, ou déterminé à partir de l’image.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Megapixels</source>
      <translation>Mégapixels</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Image pixels that were computed, in millions.</source>
      <translation>Pixels de l’image calculés, en millions.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Seconds</source>
      <translation>Secondes</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Time that the job took.</source>
      <translation>Durée de la tâche.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Evaluate against references</source>
      <translation>Évaluer par rapport à des références</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>accuracy,validation,error,mae,rmse,nmad,iou,confusion matrix,uncertainty,calibration,chamfer,lidar</source>
      <translation>exactitude,précision,validation,erreur,mae,rmse,nmad,iou,matrice de confusion,incertitude,calibration,chamfer,lidar</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Errors of heights and land cover, and whether the uncertainty can be believed</source>
      <translation>Erreurs des hauteurs et de l’occupation du sol, et fiabilité de l’incertitude</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Instead of ZONES: polygons, such as land uses; where several lie, the first counts.</source>
      <translation>À la place de ZONES : des polygones, par exemple des usages du sol ; où plusieurs se superposent, le premier compte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Polygons with the same value are one zone of that name. Empty: each polygon is a zone.</source>
      <translation>Les polygones de même valeur forment une zone de ce nom. Vide : chaque polygone est une zone.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Number of buildings in the land cover; every other known class is background.</source>
      <translation>Numéro de la classe des bâtiments dans l’occupation du sol ; toute autre classe connue est l’arrière-plan.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Predicted minus reference height, Float32, NoData -9999. It needs heights.</source>
      <translation>Hauteur prédite moins hauteur de référence, Float32, NoData -9999. Nécessite des hauteurs.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Compares predicted heights, their uncertainty and land cover with reference rasters, pixel by pixel and as surfaces in 3D.</source>
      <translation>Compare les hauteurs prédites, leur incertitude et l’occupation du sol à des rasters de référence, pixel par pixel et comme surfaces en 3D.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Give heights with their reference, land cover with its reference, or both. References may have any grid and CRS: they are brought to the prediction's grid. Pixels without a value on either side are left out. Outputs whose rasters are missing stay empty.</source>
      <translation>Indiquez les hauteurs avec leur référence, l’occupation du sol avec la sienne, ou les deux. Les références peuvent avoir une grille et un SCR quelconques : elles sont ramenées à la grille de la prédiction. Les pixels sans valeur d’un côté ou de l’autre sont écartés. Les résultats dont les rasters manquent restent vides.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Zones as polygons</source>
      <translation>Zones en polygones</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Field with the zone</source>
      <translation>Champ de la zone</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Building class</source>
      <translation>Classe des bâtiments</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Height (m)</source>
      <translation>Hauteur (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Predicted metres above ground: HEIGHT of Reconstruct.</source>
      <translation>Mètres au-dessus du sol prédits : HEIGHT de « Reconstruire hauteurs et occupation du sol ».</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Reference height (m)</source>
      <translation>Hauteur de référence (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>True metres above ground (nDSM), on any grid. A surface model (DSM) where a DTM is given, too.</source>
      <translation>Mètres réels au-dessus du sol (MNH), sur une grille quelconque. Un modèle de surface (MNS) si un MNT est aussi indiqué.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Reference DTM (m)</source>
      <translation>MNT de référence (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Bare ground, taken off the reference height.</source>
      <translation>Terrain nu, soustrait de la hauteur de référence.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>sigma (m)</source>
      <translation>sigma (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Predictive standard deviation (band 1): SIGMA of Reconstruct.</source>
      <translation>Écart type prédictif (bande 1) : SIGMA de « Reconstruire hauteurs et occupation du sol ».</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Land cover</source>
      <translation>Occupation du sol</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Predicted class numbers: LAND_COVER of Reconstruct.</source>
      <translation>Numéros de classe prédits : LAND_COVER de « Reconstruire hauteurs et occupation du sol ».</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Reference land cover</source>
      <translation>Occupation du sol de référence</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>True class numbers, numbered as in LAND_COVER; 0 is unknown, 11 is ground of class 1 or 2. It also splits heights into building, background and classes.</source>
      <translation>Numéros de classe réels, numérotés comme dans LAND_COVER ; 0 signifie inconnu, 11 un sol de classe 1 ou 2. Sert aussi à répartir les hauteurs en bâtiments, arrière-plan et classes.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Shadow mask</source>
      <translation>Masque d’ombre</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>1 is shadow, 0 is lit, all else is unknown.</source>
      <translation>1 signifie ombre, 0 éclairé, toute autre valeur inconnu.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Zones</source>
      <translation>Zones</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>A whole number for each zone, such as a land use: figures for each.</source>
      <translation>Un nombre entier par zone, par exemple par usage du sol : des indicateurs pour chacune.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>A page with figures, charts and an error map.</source>
      <translation>Une page avec indicateurs, graphiques et carte des erreurs.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Figures</source>
      <translation>Indicateurs</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>All figures, for programs.</source>
      <translation>Tous les indicateurs, pour les programmes.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Table</source>
      <translation>Tableau</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>A row for each part, class, zone, shadow and light.</source>
      <translation>Une ligne par partie, par classe, par zone, pour l’ombre et pour la lumière.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Error (m)</source>
      <translation>Erreur (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>MAE (m)</source>
      <translation>MAE (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean absolute error of heights.</source>
      <translation>Erreur absolue moyenne des hauteurs.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>RMSE (m)</source>
      <translation>RMSE (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Root mean square error of heights.</source>
      <translation>Racine de l’erreur quadratique moyenne des hauteurs.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Bias (m)</source>
      <translation>Biais (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean of predicted minus reference.</source>
      <translation>Moyenne de la prédiction moins la référence.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>NMAD (m)</source>
      <translation>NMAD (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Normalised median absolute deviation.</source>
      <translation>Écart absolu médian normalisé.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>delta 1</source>
      <translation>delta 1</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of heights within a factor of 1.25, references above 1 m.</source>
      <translation>Part des hauteurs à un facteur 1,25 près, pour les références de plus de 1 m.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>delta 2</source>
      <translation>delta 2</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>The same with 1.25 squared.</source>
      <translation>De même avec 1,25 au carré.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>delta 3</source>
      <translation>delta 3</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>The same with 1.25 cubed.</source>
      <translation>De même avec 1,25 au cube.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>MAE of buildings (m)</source>
      <translation>MAE des bâtiments (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Where the reference land cover has buildings.</source>
      <translation>Là où l’occupation du sol de référence a des bâtiments.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>MAE of background (m)</source>
      <translation>MAE de l’arrière-plan (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Where it has another class.</source>
      <translation>Là où elle a une autre classe.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Accuracy</source>
      <translation>Exactitude globale</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of pixels with the right class.</source>
      <translation>Part des pixels dont la classe est juste.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean IoU</source>
      <translation>IoU moyen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean over the classes of the reference.</source>
      <translation>Moyenne sur les classes de la référence.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Building IoU</source>
      <translation>IoU des bâtiments</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Intersection over union of buildings.</source>
      <translation>Intersection sur union des bâtiments.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>UECC</source>
      <translation>UECC</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Correlation of absolute error and sigma.</source>
      <translation>Corrélation entre l’erreur absolue et sigma.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>AUSE (m)</source>
      <translation>AUSE (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Area between the sparsification curve and the ideal one.</source>
      <translation>Aire entre la courbe de sparsification et la courbe idéale.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Coverage of 50 %</source>
      <translation>Couverture à 50 %</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of errors inside the 50 % interval.</source>
      <translation>Part des erreurs dans l’intervalle à 50 %.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Coverage of 68 %</source>
      <translation>Couverture à 68 %</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of errors within one sigma (68.27 %).</source>
      <translation>Part des erreurs à moins d’un sigma (68,27 %).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Coverage of 95 %</source>
      <translation>Couverture à 95 %</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of errors inside the 95 % interval.</source>
      <translation>Part des erreurs dans l’intervalle à 95 %.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Chamfer distance (m)</source>
      <translation>Distance de Chamfer (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean distance between both surfaces in 3D.</source>
      <translation>Distance moyenne entre les deux surfaces en 3D.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>F1 at 1.0 m</source>
      <translation>F1 à 1,0 m</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Agreement of both surfaces within 1.0 m.</source>
      <translation>Concordance des deux surfaces à 1,0 m près.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>F1 at 0.5 m</source>
      <translation>F1 à 0,5 m</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Agreement of both surfaces within 0.5 m.</source>
      <translation>Concordance des deux surfaces à 0,5 m près.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>F1 at 0.2 m</source>
      <translation>F1 à 0,2 m</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Agreement of both surfaces within 0.2 m.</source>
      <translation>Concordance des deux surfaces à 0,2 m près.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Pixels</source>
      <translation>Pixels</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Pixels that were compared.</source>
      <translation>Pixels comparés.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Both ZONES and ZONE_POLYGONS are given. Give one of them.</source>
      <translation>ZONES et ZONE_POLYGONS sont donnés tous les deux. Donnez l'un des deux.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Aerial or satellite image with red, green and blue bands, 8 bit, 16 bit or float. A layer that is no file (web map, database) is exported for the job within the extent.</source>
      <translation>Image aérienne ou satellitaire avec bandes rouge, verte et bleue, 8 bits, 16 bits ou flottants. Une couche qui n’est pas un fichier (carte web, base de données) est exportée pour la tâche dans l’emprise.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Three band numbers such as 1,2,3, or 4,3,2 for an image that starts with blue. Empty: the image says.</source>
      <translation>Trois numéros de bande comme 1,2,3, ou 4,3,2 pour une image qui commence par le bleu. Vide : l’image le dit.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Only this part is computed, with the same values as in a run on the whole image. Empty: all of it.</source>
      <translation>Seule cette partie est calculée, avec les mêmes valeurs que pour l’image entière. Vide : toute l’image.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Metres per pixel, for an image whose grid does not say it. Not set or 0: taken from the image.</source>
      <translation>Mètres par pixel, pour une image dont la grille ne le dit pas. Non défini ou 0 : tiré de l’image.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Orthophoto</source>
      <translation>Orthophoto</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Red, green and blue bands</source>
      <translation>Bandes rouge, verte et bleue</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Extent</source>
      <translation>Emprise</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Ground sampling distance (m)</source>
      <translation>Taille du pixel au sol (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>BANDS is {}. Give three band numbers such as 1,2,3, or nothing.</source>
      <translation>BANDS vaut {}. Donnez trois numéros de bande comme 1,2,3, ou rien.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>{layer} has {count} bands; BANDS asks for {bands}.</source>
      <translation>{layer} a {count} bandes ; BANDS demande {bands}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>EXTENT lies outside the image {}. Choose an extent on the image.</source>
      <translation>EXTENT est en dehors de l’image {}. Choisissez une emprise sur l’image.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/model_form.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>All files</source>
      <translation>Tous les fichiers</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/model_form.py" />
      <source>Model packages</source>
      <translation>Paquets de modèle</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/model_form.py" />
      <source>There is no model package at {}. Leave MODEL empty for the bundled one.</source>
      <translation>Il n’y a pas de paquet de modèle à {}. Laissez MODEL vide pour celui qui est fourni.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer is no file, so its range of brightness is that of the extent and its surroundings, not of the whole layer: values differ from those of a run on all of it.</source>
      <translation>La couche n’est pas un fichier : sa plage de luminosité est donc celle de l’emprise et de ses alentours, et non celle de toute la couche ; les valeurs diffèrent de celles d’un traitement complet.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer's data provider cannot be exported.</source>
      <translation>Le fournisseur de données de la couche ne peut pas être exporté.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <location filename="../semantic3d_plugin/algorithms/vector_source.py" />
      <source>Cancelled: nothing was written.</source>
      <translation>Annulé : rien n’a été écrit.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer is no file: {columns} x {rows} pixels are exported for the job.</source>
      <translation>La couche n’est pas un fichier : {columns} x {rows} pixels sont exportés pour la tâche.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The image {} lies nowhere on a map, so an EXTENT cannot choose a part of it. Leave EXTENT empty, or cut the image first (Raster &gt; Extraction &gt; Clip), or give it a place (Layer &gt; Georeferencer).</source>
      <translation>L’image {} n’a pas de position sur une carte, EXTENT ne peut donc pas en choisir une partie. Laissez EXTENT vide, découpez d’abord l’image (Raster &gt; Extraction &gt; Découper), ou géoréférencez-la (Couche &gt; Géoréférenceur).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The workers of a cluster open the image themselves, and the layer {} is no raster file for them, or has another CRS in QGIS than in its file. Save it as a GeoTIFF where all can read it, and use that.</source>
      <translation>Les machines d’une grappe ouvrent elles-mêmes l’image ; la couche {} n’est pas pour elles un fichier raster, ou a dans QGIS un autre SCR que dans son fichier. Enregistrez-la en GeoTIFF là où toutes peuvent la lire, et utilisez celui-ci.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {} cannot be read by its provider.</source>
      <translation>La couche {} ne peut pas être lue par son fournisseur.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The extent lies outside the layer {}.</source>
      <translation>L’emprise est en dehors de la couche {}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {name} is no file and would have to be exported: {columns} x {rows} pixels, more than {limit} megapixels. Choose a smaller EXTENT, or save the layer as a GeoTIFF first.</source>
      <translation>La couche {name} n’est pas un fichier et devrait être exportée : {columns} x {rows} pixels, plus de {limit} mégapixels. Choisissez une emprise (EXTENT) plus petite, ou enregistrez d’abord la couche en GeoTIFF.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {} has no pixel size of its own (a web map draws at any scale). Save it as a GeoTIFF, and use that.</source>
      <translation>La couche {} n’a pas de taille de pixel propre (une carte web se dessine à toute échelle). Enregistrez-la en GeoTIFF et utilisez celui-ci.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {} has no pixel size of its own (a web map draws at any scale). Give GSD in metres, and an EXTENT.</source>
      <translation>La couche {} n’a pas de taille de pixel propre (une carte web se dessine à toute échelle). Indiquez GSD en mètres et une emprise (EXTENT).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The image's coordinate system could not be passed on: {}</source>
      <translation>Le système de coordonnées de l’image n’a pas pu être transmis : {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer could not be exported for the job: {}</source>
      <translation>La couche n’a pas pu être exportée pour la tâche : {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>writer error {}</source>
      <translation>erreur d’écriture {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Reconstruct heights and land cover</source>
      <translation>Reconstruire hauteurs et occupation du sol</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>height,ndsm,dsm,elevation,building,tree,uncertainty,land cover,segmentation,orthophoto,aerial,3d</source>
      <translation>hauteur,mnh,mns,altitude,bâtiment,arbre,incertitude,occupation du sol,segmentation,orthophoto,photo aérienne,3d</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Heights above ground, their uncertainty and land cover from one aerial image</source>
      <translation>Hauteurs au-dessus du sol, leur incertitude et l’occupation du sol à partir d’une seule image aérienne</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>A model package: its folder, the manifest.json in it, a zip, or a single ONNX file that describes itself. Empty: the model that comes with the plugin.</source>
      <translation>Un paquet de modèle : son dossier, le manifest.json qu’il contient, un zip, ou un seul fichier ONNX qui se décrit lui-même. Vide : le modèle fourni avec l’extension.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>auto takes an NVIDIA GPU where one really works, else the processor (cpu).</source>
      <translation>auto prend une carte NVIDIA là où elle fonctionne vraiment, sinon le processeur (cpu).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>How far neighbouring tiles overlap, in pixels of the model. More is smoother and slower.</source>
      <translation>Recouvrement des tuiles voisines, en pixels du modèle. Davantage est plus lisse et plus lent.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Tiles that run through the model together. More than one helps on a GPU only.</source>
      <translation>Tuiles passées ensemble dans le modèle. Plus d’une n’aide que sur une carte graphique.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Main memory for pixels; the size of the image does not matter, wider strips are faster.</source>
      <translation>Mémoire vive pour les pixels ; la taille de l’image n’importe pas, des bandes plus larges vont plus vite.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Address of a Dask scheduler, such as tcp://host:8786, whose workers shall compute. They must see the image and the outputs' folder under the same paths. Empty: this computer computes.</source>
      <translation>Adresse d’un ordonnanceur Dask, par exemple tcp://host:8786, dont les workers doivent calculer. Ils doivent voir l’image et le dossier des sorties sous les mêmes chemins. Vide : cet ordinateur calcule.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Metres above ground (nDSM), Float32, NoData -9999.</source>
      <translation>Mètres au-dessus du sol (MNH), Float32, NoData -9999.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Uncertainty of the height: predictive standard deviation in metres, with its aleatoric and epistemic parts and the evidence index as bands 2 to 4.</source>
      <translation>Incertitude de la hauteur : écart type prédictif en mètres, avec ses parts aléatoire et épistémique et l’indice d’évidence dans les bandes 2 à 4.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Class numbers with colours and names, 0 is NoData.</source>
      <translation>Numéros de classe avec couleurs et noms, 0 signifie NoData.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Class probabilities</source>
      <translation>Probabilités des classes</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>One band per land-cover class.</source>
      <translation>Une bande par classe d’occupation du sol.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>A page with quick-look, histograms, class areas, warnings and provenance.</source>
      <translation>Une page avec aperçu, histogrammes, surfaces des classes, avertissements et provenance.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Estimates for every pixel of one aerial image how high it stands above the ground, how uncertain that is, and what covers it. No stereo pair and no laser scan is needed.</source>
      <translation>Estime pour chaque pixel d’une image aérienne sa hauteur au-dessus du sol, l’incertitude de celle-ci et ce qui couvre le sol. Ni couple stéréo ni relevé laser ne sont nécessaires.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>All layers lie on the image's grid. Heights come from a trained model: look at sigma and at the report before you rely on them, most of all on imagery unlike the model's training data.</source>
      <translation>Toutes les couches sont sur la grille de l’image. Les hauteurs viennent d’un modèle entraîné : regardez sigma et le rapport avant de vous y fier, surtout pour des images différentes des données d’entraînement.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Overlap of tiles (pixels)</source>
      <translation>Recouvrement des tuiles (pixels)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Batch size (tiles)</source>
      <translation>Taille de lot (tuiles)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Memory limit (MB)</source>
      <translation>Limite de mémoire (Mo)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Dask scheduler</source>
      <translation>Ordonnanceur Dask</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Mean height (m)</source>
      <translation>Hauteur moyenne (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Mean of all valid heights, in metres.</source>
      <translation>Moyenne de toutes les hauteurs valides, en mètres.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Set up the backend</source>
      <translation>Installer le moteur de calcul</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Installs, repairs or removes the Python environment that computes</source>
      <translation>Installe, répare ou supprime l’environnement Python qui calcule</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Action</source>
      <translation>Action</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>install keeps an environment that works; repair makes it anew; remove deletes it; download fills the folder WHEELHOUSE for a machine without a network.</source>
      <translation>install garde un environnement qui fonctionne ; repair le refait ; remove le supprime ; download remplit le dossier WHEELHOUSE pour une machine sans réseau.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>light is enough for the model that comes with the plugin: about 100 MB to download, under 400 MB on disk. full adds PyTorch, diffusers and what training needs: 1 to 5 GB.</source>
      <translation>light suffit pour le modèle fourni avec l’extension : environ 100 Mo à télécharger, moins de 400 Mo sur le disque. full ajoute PyTorch, diffusers et ce qu’il faut pour l’entraînement : 1 à 5 Go.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Accelerator</source>
      <translation>Accélérateur</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>auto takes cuda where an NVIDIA driver is found (about 2 GB more to download), else cpu. With remove, auto means both.</source>
      <translation>auto prend cuda si un pilote NVIDIA est trouvé (environ 2 Go de plus à télécharger), sinon cpu. Avec remove, auto désigne les deux.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Folder of wheels</source>
      <translation>Dossier de wheels</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Install from this folder and never touch the network. Fill it with the action download elsewhere, which makes it where there is none.</source>
      <translation>Installer depuis ce dossier sans jamais toucher au réseau. Remplissez-le ailleurs avec l’action download, qui le crée s’il n’existe pas.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Base Python</source>
      <translation>Python de base</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The Python to build on, 3.10 to 3.14, 64 bit. Empty: one is looked for, but never QGIS itself.</source>
      <translation>Le Python sur lequel construire, 3.10 à 3.14, 64 bits. Vide : il est recherché, mais jamais celui de QGIS.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Heights are computed by a Python environment of its own, so that nothing is installed into QGIS. This algorithm creates it. It downloads pinned packages, each checked against its hash, from the Python Package Index or from the mirror that pip is configured for, through QGIS's proxy. Where uv is installed and no usable Python is, uv also fetches a Python 3.12, from GitHub or astral.sh. What is downloaded also stays in the caches of uv and pip.</source>
      <translation>Les hauteurs sont calculées dans un environnement Python à part, afin que rien ne soit installé dans QGIS. Cet algorithme le crée. Il télécharge des paquets de versions fixées, chacun vérifié par son empreinte, depuis le Python Package Index ou le miroir pour lequel pip est configuré, à travers le proxy de QGIS. Là où uv est installé et où aucun Python utilisable ne l'est, uv récupère aussi un Python 3.12 sur GitHub ou astral.sh. Ce qui est téléchargé reste aussi dans les caches d'uv et de pip.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The model ran on the graphics card.</source>
      <translation>Le modèle a tourné sur la carte graphique.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The packages for the graphics card are installed, but the model ran on the processor. See the doctor.</source>
      <translation>Les paquets pour la carte graphique sont installés, mais le modèle a tourné sur le processeur. Voir « Vérifier le moteur de calcul ».</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>install,environment,python,offline,wheelhouse,gpu,cuda,repair,remove</source>
      <translation>installer,environnement,python,hors ligne,wheelhouse,gpu,cuda,réparer,supprimer</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Program that jobs run with, empty where there is none.</source>
      <translation>Programme qui exécute les tâches, vide s’il n’y en a pas.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Environment folder</source>
      <translation>Dossier de l’environnement</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Folder that was made, looked at or removed.</source>
      <translation>Dossier créé, examiné ou supprimé.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Accelerator in use</source>
      <translation>Accélérateur utilisé</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>cpu or cuda: what auto came to.</source>
      <translation>cpu ou cuda : ce qu’auto a donné.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Whether jobs can run now. After remove: whether another backend is left.</source>
      <translation>Si les tâches peuvent tourner maintenant. Après remove : s’il reste un autre moteur de calcul.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Size (MB)</source>
      <translation>Taille (Mo)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Size of the environment, or of the folder of wheels.</source>
      <translation>Taille de l’environnement, ou du dossier de wheels.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Time that it took.</source>
      <translation>Durée.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>It goes to {folder}. Set SEMANTIC3D_HOME for another place.</source>
      <translation>Il est placé dans {folder}. Définissez SEMANTIC3D_HOME pour un autre emplacement.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>{folder} holds {count} packages, {size} MB, for machines of this kind with this Python version.</source>
      <translation>{folder} contient {count} paquets, {size} Mo, pour les machines de ce type avec cette version de Python.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Removed {}</source>
      <translation>Supprimé : {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>There was nothing to remove in {}.</source>
      <translation>Il n’y avait rien à supprimer dans {}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Jobs run with {python}, which is named in the settings or in SEMANTIC3D_PYTHON, and not with this environment.</source>
      <translation>Les tâches utilisent {python}, indiqué dans les préférences ou dans SEMANTIC3D_PYTHON, et non cet environnement.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The graphics card could not be tried: {}</source>
      <translation>La carte graphique n’a pas pu être essayée : {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Train a model</source>
      <translation>Entraîner un modèle</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Fine-tune a model on your own images with heights, land cover or building outlines</source>
      <translation>Affine un modèle sur vos propres images avec hauteurs, occupation du sol ou contours de bâtiments</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Images to learn from, with red, green and blue bands.</source>
      <translation>Images d’apprentissage, avec bandes rouge, verte et bleue.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Instead of an nDSM, together with DTM, in metres.</source>
      <translation>À la place d’un MNH, avec DTM, en mètres.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Optimisation steps. More learn more, and take longer.</source>
      <translation>Étapes d’optimisation. Davantage apprend plus et dure plus longtemps.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Folder to create; an earlier package there is replaced. Give it to Reconstruct as MODEL. The model is named after the folder. A broken-off run goes on from the checkpoint beside it; a temporary folder loses both.</source>
      <translation>Dossier à créer ; un paquet antérieur à cet endroit est remplacé. Indiquez-le comme MODEL dans « Reconstruire hauteurs et occupation du sol ». Le modèle porte le nom du dossier. Une exécution interrompue reprend au point de contrôle placé à côté ; un dossier temporaire perd les deux.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>A page with curves, figures on the held-out blocks, data and split.</source>
      <translation>Une page avec courbes, indicateurs sur les blocs réservés, données et répartition.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Orthophotos</source>
      <translation>Orthophotos</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Heights above ground (nDSM)</source>
      <translation>Hauteurs au-dessus du sol (MNH)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Metres above ground, on any grid and CRS, gaps allowed; of several, the first with a value wins.</source>
      <translation>Mètres au-dessus du sol, dans une grille et un SCR quelconques, lacunes admises ; s’il y en a plusieurs, le premier qui a une valeur l’emporte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Surface heights (DSM)</source>
      <translation>Altitudes de la surface (MNS)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Ground heights (DTM)</source>
      <translation>Altitudes du terrain (MNT)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Ground under the DSM, in metres.</source>
      <translation>Terrain sous le MNS, en mètres.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Class rasters, on any grid and CRS; of several, the first with a class wins.</source>
      <translation>Rasters de classes, dans une grille et un SCR quelconques ; s’il y en a plusieurs, le premier qui a une classe l’emporte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Which value of the class rasters is which class of the model, such as 10=1,20=3,30=4. The bundled model's classes: 1 impervious or bare, 2 low vegetation, 3 tree, 4 building, 5 water, 6 bridge, 7 other object; 0 is unknown, 11 is 1 or 2. Empty: values are class numbers already. With CLASS_FIELD it holds for the polygons, too, and takes texts: house=4,garden=2.</source>
      <translation>À quelle classe du modèle correspond chaque valeur des rasters de classes, par exemple 10=1,20=3,30=4. Classes du modèle fourni : 1 imperméable ou sol nu, 2 végétation basse, 3 arbre, 4 bâtiment, 5 eau, 6 pont, 7 autre objet ; 0 signifie inconnu, 11 signifie 1 ou 2. Vide : les valeurs sont déjà des numéros de classe. Avec CLASS_FIELD, elle vaut aussi pour les polygones et accepte des textes : house=4,garden=2.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Polygons that count as building. Within the rectangle around all of them, what has neither outline nor land cover counts as no building: give all buildings there. CLASS_FIELD makes them polygons of any class.</source>
      <translation>Polygones qui comptent comme bâtiments. Dans le rectangle qui les englobe tous, ce qui n’a ni contour ni occupation du sol compte comme non bâti : indiquez-y tous les bâtiments. CLASS_FIELD en fait des polygones de n’importe quelle classe.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Field of the polygons whose value, by CLASS_MAP, is their class. Values that have none are unknown, and so is all outside of the polygons; where two overlap, the first with a class wins. Empty: all are buildings.</source>
      <translation>Champ des polygones dont la valeur donne, selon CLASS_MAP, leur classe. Les valeurs sans classe sont inconnues, de même que tout ce qui est hors des polygones ; là où deux se chevauchent, le premier qui a une classe l’emporte. Vide : tous sont des bâtiments.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>A model package (folder, its manifest.json, or zip), a pretrained base (.safetensors), or Stable Diffusion 1.5, 2.x or XL: a diffusers folder (or its model_index.json), or ORG/NAME@COMMIT on the Hugging Face hub. Empty: the model that comes with the plugin.</source>
      <translation>Un paquet de modèle (dossier, son manifest.json ou zip), une base préentraînée (.safetensors), ou Stable Diffusion 1.5, 2.x ou XL : un dossier diffusers (ou son model_index.json), ou ORG/NAME@COMMIT sur le Hugging Face Hub. Vide : le modèle fourni avec l’extension.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>auto takes an NVIDIA GPU where torch finds one, else the processor (cpu), which is much slower.</source>
      <translation>auto prend une carte NVIDIA si torch en trouve une, sinon le processeur (cpu), beaucoup plus lent.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Steps</source>
      <translation>Étapes</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Three band numbers such as 1,2,3, for all images. Empty: each image says.</source>
      <translation>Trois numéros de bande comme 1,2,3, pour toutes les images. Vide : chaque image le dit.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>smooth_l1 gives outliers less weight than mse, the mean square error.</source>
      <translation>smooth_l1 donne moins de poids aux valeurs aberrantes que mse, l’erreur quadratique moyenne.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>on computes activations again instead of keeping them: less memory, more time, the same result. auto is on for Stable Diffusion.</source>
      <translation>on recalcule les activations au lieu de les garder : moins de mémoire, plus de temps, le même résultat. auto l’active pour Stable Diffusion.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Fine-tunes a model on your own rasters and writes it as a model package for "Reconstruct heights and land cover". Give heights, land cover or building outlines, or several of them; what is missing somewhere does not count there.</source>
      <translation>Affine un modèle sur vos propres rasters et l’écrit comme paquet de modèle pour « Reconstruire hauteurs et occupation du sol ». Indiquez des hauteurs, l’occupation du sol ou des contours de bâtiments, ou plusieurs d’entre eux ; ce qui manque à un endroit n’y compte pas.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Needs the full environment ("Set up the backend" with PROFILE=full). Blocks of ground are held out to measure the model; look at the figures in the report before you rely on it.</source>
      <translation>Nécessite l’environnement complet (« Installer le moteur de calcul » avec PROFILE=full). Des blocs de terrain sont réservés pour évaluer le modèle ; examinez les indicateurs du rapport avant de vous y fier.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>training,fine-tune,learning,adapt,model,lora,own data,height,land cover,deep learning</source>
      <translation>entraînement,affinage,apprentissage,adapter,modèle,lora,données propres,hauteur,occupation du sol,apprentissage profond</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Class map</source>
      <translation>Correspondance des classes</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Building outlines</source>
      <translation>Contours de bâtiments</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Field with the class</source>
      <translation>Champ de la classe</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Model to start from</source>
      <translation>Modèle de départ</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Rank of the adapter</source>
      <translation>Rang de l’adaptateur</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>LoRA rank, 8 to 256. More can learn more.</source>
      <translation>Rang LoRA, de 8 à 256. Un rang plus élevé peut apprendre davantage.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Batch size (patches)</source>
      <translation>Taille de lot (imagettes)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Patches per step; they cost memory.</source>
      <translation>Imagettes par étape ; elles consomment de la mémoire.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Batches per step</source>
      <translation>Lots par pas</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Batches whose gradients make one step: as a larger batch, for time in the place of memory.</source>
      <translation>Lots dont les gradients forment un pas : comme un lot plus grand, en échange de temps plutôt que de mémoire.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Patch (pixels)</source>
      <translation>Imagette (pixels)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Side of a patch, a multiple of 32.</source>
      <translation>Côté d’une imagette, un multiple de 32.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Learning rate</source>
      <translation>Taux d’apprentissage</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Of AdamW, after a warm-up.</source>
      <translation>D’AdamW, après une phase de montée progressive.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Weight decay</source>
      <translation>Dégradation des poids (weight decay)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Of AdamW, 0 to 1.</source>
      <translation>D’AdamW, de 0 à 1.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Penalty weight (lambda)</source>
      <translation>Poids de la pénalité (lambda)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Weight of the evidential penalty, which lowers the evidence where the height is wrong; 0 to 100.</source>
      <translation>Poids de la pénalité évidentielle, qui réduit l’évidence là où la hauteur est fausse ; de 0 à 100.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Share held out</source>
      <translation>Part réservée</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Share of labelled blocks kept out of training, to choose the best weights and measure them.</source>
      <translation>Part des blocs avec données de référence exclus de l’entraînement, pour choisir les meilleurs poids et les évaluer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Block (m)</source>
      <translation>Bloc (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Side of the blocks that go whole into training or validation. A strip of a sixteenth of it, at least 8 pixels, is cut away between the two.</source>
      <translation>Côté des blocs qui vont en entier à l’entraînement ou à la validation. Une bande d’un seizième de ce côté, au moins 8 pixels, est retranchée entre les deux.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Patience (validations)</source>
      <translation>Patience (validations)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Training ends when so many validations in a row bring no gain. 0: never early.</source>
      <translation>L’entraînement s’arrête après ce nombre de validations consécutives sans gain. 0 : jamais avant la fin.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Seed</source>
      <translation>Graine aléatoire</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Of the split, the adapter's first weights and the patches.</source>
      <translation>Pour la répartition, les poids initiaux de l’adaptateur et les imagettes.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Main memory for images and labels.</source>
      <translation>Mémoire vive pour les images et les données de référence.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Height loss</source>
      <translation>Fonction de perte des hauteurs</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Gradient checkpointing</source>
      <translation>Points de contrôle des gradients</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Height MAE (m)</source>
      <translation>MAE de la hauteur (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Mean absolute height error on the held-out blocks.</source>
      <translation>Erreur absolue moyenne de la hauteur sur les blocs réservés.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Height RMSE (m)</source>
      <translation>RMSE de la hauteur (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Root mean square height error there.</source>
      <translation>Racine de l’erreur quadratique moyenne de la hauteur sur ces blocs.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Intersection over union of the class building there.</source>
      <translation>Intersection sur union de la classe bâtiment sur ces blocs.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Steps done</source>
      <translation>Étapes effectuées</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Fewer than asked for where training ended early.</source>
      <translation>Moins que demandé si l’entraînement s’est arrêté plus tôt.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>PACKAGE is a temporary folder: the model, and the checkpoint from which a broken-off run goes on, are deleted when QGIS closes. To keep them, choose a folder of your own.</source>
      <translation>PACKAGE est un dossier temporaire : le modèle, et le point de contrôle d’où reprend une exécution interrompue, sont supprimés à la fermeture de QGIS. Pour les garder, choisissez un dossier à vous.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Models</source>
      <translation>Modèles</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>{name} holds something that is no raster that QGIS can open: {value}</source>
      <translation>{name} contient un élément qui n’est pas un raster que QGIS peut ouvrir : {value}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>There is no model at {}. Leave BASE empty for the bundled one; a repository of the Hugging Face hub is written ORG/NAME@COMMIT.</source>
      <translation>Il n’y a pas de modèle à {}. Laissez BASE vide pour celui qui est fourni ; un dépôt du hub Hugging Face s’écrit ORG/NAME@COMMIT.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/vector_source.py" />
      <source>{name} is no layer that QGIS can open: {value}</source>
      <translation>{name} n'est pas une couche que QGIS peut ouvrir : {value}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/vector_source.py" />
      <source>The layer {layer} has no field {field}. It has: {names}.</source>
      <translation>La couche {layer} n’a pas de champ {field}. Elle a : {names}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/vector_source.py" />
      <source>The layer {} holds no outlines.</source>
      <translation>La couche {} ne contient aucun contour.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>named in these settings</source>
      <translation>indiqué dans ces préférences</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>named by SEMANTIC3D_PYTHON</source>
      <translation>indiqué par SEMANTIC3D_PYTHON</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>installed by this plugin</source>
      <translation>installé par cette extension</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>To reconstruct (light)</source>
      <translation>Pour reconstruire (light)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>To train (full)</source>
      <translation>Pour entraîner (full)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Python of an existing environment</source>
      <translation>Python d’un environnement existant</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Empty: the environment that this plugin installs.</source>
      <translation>Vide : l’environnement que cette extension installe.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>State</source>
      <translation>État</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Own Python (optional)</source>
      <translation>Python personnel (facultatif)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Backend environment</source>
      <translation>Environnement du moteur de calcul</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Heights are computed by a Python of their own, outside of QGIS. Light is enough for the model that comes with the plugin (about 100 MB to download, under 400 MB on disk); full adds PyTorch for training (several GB).</source>
      <translation>Les hauteurs sont calculées par un Python à part, hors de QGIS. La version légère suffit pour le modèle fourni (environ 100 Mo à télécharger, moins de 400 Mo sur le disque) ; la version complète ajoute PyTorch pour l’entraînement (plusieurs Go).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Install light</source>
      <translation>Installer (léger)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Install full</source>
      <translation>Installer (complet)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Check</source>
      <translation>Vérifier</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Repair</source>
      <translation>Réparer</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Remove</source>
      <translation>Supprimer</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Cancel</source>
      <translation>Annuler</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Remove the backend environment</source>
      <translation>Supprimer l’environnement du moteur de calcul</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Done.</source>
      <translation>Terminé.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Not finished; see the lines above.</source>
      <translation>Inachevé ; voir les lignes ci-dessus.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Environment to make anew:</source>
      <translation>Environnement à refaire :</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Environment to delete:</source>
      <translation>Environnement à supprimer :</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Delete {}? Your results and settings stay.</source>
      <translation>Supprimer {} ? Vos résultats et préférences restent.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Trying {}...</source>
      <translation>Essai de {}...</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>{} cannot be started now; see the message log of QGIS.</source>
      <translation>{} ne peut pas être lancé maintenant ; voir le journal des messages de QGIS.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Ready: {python} ({where})</source>
      <translation>Prêt : {python} ({where})</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Not ready: {}</source>
      <translation>Pas prêt : {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/launch.py" />
      <source>Open the settings</source>
      <translation>Ouvrir les préférences</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <source>Switch the project's elevation shading on when heights are loaded</source>
      <translation>Activer l’ombrage d’altitude du projet au chargement des hauteurs</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <location filename="../semantic3d_plugin/styling/notice.py" />
      <source>Semantic 3D</source>
      <translation>Semantic 3D</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <source>Needs QGIS 3.30 or newer.</source>
      <translation>Nécessite QGIS 3.30 ou plus récent.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/plugin.py" />
      <source>Reconstruct heights and land cover...</source>
      <translation>Reconstruire hauteurs et occupation du sol...</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/plugin.py" />
      <source>Backend and settings...</source>
      <translation>Moteur de calcul et préférences...</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/elevation.py" />
      <source>This QGIS is older than 3.26 and has no elevation properties for rasters: in a 3D view, choose the height layer as terrain in the view's settings.</source>
      <translation>Ce QGIS est antérieur à 3.26 et n’a pas de propriétés d’élévation pour les rasters : dans une vue 3D, choisissez la couche de hauteur comme terrain dans les paramètres de la vue.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/elevation.py" />
      <source>The project's coordinate system {crs} is in degrees, which spoils 3D views: metres of height would stand on degrees. Choose a projected one for the project, such as {suggestion}.</source>
      <translation>Le système de coordonnées {crs} du projet est en degrés, ce qui fausse les vues 3D : des hauteurs en mètres sur des degrés. Choisissez un système projeté pour le projet, par exemple {suggestion}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/elevation.py" />
      <source>The project's coordinate system {crs} is in degrees, which spoils 3D views: metres of height would stand on degrees. Choose a projected one for the project.</source>
      <translation>Le système de coordonnées {crs} du projet est en degrés, ce qui fausse les vues 3D : des hauteurs en mètres sur des degrés. Choisissez un système projeté pour le projet.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/result_group.py" />
      <source>Semantic 3D: {}</source>
      <translation>Semantic 3D : {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/result_group.py" />
      <source>Hillshade</source>
      <translation>Ombrage</translation>
    </message>
  </context>
</TS>
